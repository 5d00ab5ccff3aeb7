// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/* SwiftPM wants a source file; what the header declares is in libFuzzer. */
#include "CLibFuzzer.h"

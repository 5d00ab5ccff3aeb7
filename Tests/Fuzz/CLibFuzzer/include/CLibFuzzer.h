// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's loop (compiler-rt, libclang_rt.fuzzer_no_main): calls `one` until a limit among the arguments is reached.
 */
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*one)(const uint8_t *bytes, size_t count));

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import BuiltInPlugins
import WeirHost

WeirHost.run(builtInPlugins)

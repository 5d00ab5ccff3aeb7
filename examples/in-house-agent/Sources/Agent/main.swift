// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import BuiltInPlugins
import InHousePlugins
import WeirHost

// Everything that `weir` has, and what is ours.
WeirHost.run(builtInPlugins + inHousePlugins)

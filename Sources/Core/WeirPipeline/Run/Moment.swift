// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One instant by two clocks: the wall's to show, the monotonic one to measure ages, which nobody can set back. Nanoseconds.
struct Moment: Sendable {
    var wall: UInt64 = 0
    var monotonic: UInt64 = 0
}

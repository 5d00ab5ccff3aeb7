// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A window by two clocks: when it began by the wall's, to show; its end by the monotonic one, to measure ages, which nobody
/// can set back. Nanoseconds.
struct Moment: Sendable {
    var wall: UInt64 = 0
    var monotonic: UInt64 = 0
}

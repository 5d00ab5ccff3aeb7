// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// When windows end: at whole multiples of their length since 1970, so that all agents of a fleet cut alike.
package struct WindowClock {
    let length: UInt64

    package init(_ length: Duration) { self.length = UInt64(length.nanoseconds) }

    /// How long from `now` (nanoseconds since 1970) to the end of the next window. Computed anew for every window, so a
    /// clock that is set costs one window of odd length. A rest of less than half a window is added to the next one:
    /// waking a little early must not cut a window of a few microseconds.
    package func untilEnd(from now: UInt64) -> Duration {
        let rest = length - now % length
        return .nanoseconds(rest < length / 2 ? rest + length : rest)
    }
}

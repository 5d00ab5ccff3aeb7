// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Times by a clock that anybody may set.
package enum WallTime {
    /// A step back by less is waited for, and no time comes twice; one by more is believed, or what is counted would lie in the future
    /// until the clock is there again.
    package static let smallStep: UInt64 = 60_000_000_000

    /// The time to write for `now`, when `last` was written before; all in nanoseconds since 1970.
    package static func next(after last: UInt64, now: UInt64) -> UInt64 {
        if now > last { return now }
        return isFarBehind(last, now: now) ? now : last + 1
    }

    /// Whether the clock was set back so far since `last` that it is to be believed.
    package static func isFarBehind(_ last: UInt64, now: UInt64) -> Bool { now < last && last - now >= smallStep }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// How many messages may be sent: so many per second, and a second's worth at once.
package struct TokenBucket {
    private let interval: UInt64
    private let capacity: UInt64
    /// When the bucket was or will be empty: it holds what the time since then is worth. Nanoseconds of the caller's clock.
    private var emptyAt: UInt64

    /// Full at `now`.
    package init(perSecond: Int, at now: UInt64) {
        capacity = 1_000_000_000
        interval = capacity / UInt64(max(1, perSecond))
        emptyAt = now &- min(now, capacity)
    }

    /// Takes one; false unless `rest` would be left, or all that can be saved but the one.
    package mutating func take(at now: UInt64, leaving rest: Int = 0) -> Bool {
        guard readyAt(leaving: rest) <= now else { return false }
        // What was saved for more than a second is lost.
        emptyAt = max(emptyAt, now - min(now, capacity)) + interval
        return true
    }

    /// Takes `count` that have been spent already; the next ones wait for longer.
    package mutating func charge(_ count: Int, at now: UInt64) {
        emptyAt = max(emptyAt, now - min(now, capacity)) + interval * UInt64(max(0, count))
    }

    /// When there will be one and `rest`, unless some are charged before.
    package func readyAt(leaving rest: Int = 0) -> UInt64 { emptyAt + min(interval * UInt64(rest + 1), capacity / interval * interval) }
}

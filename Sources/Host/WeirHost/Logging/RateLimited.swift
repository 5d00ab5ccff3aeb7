// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// "At most once a minute": what may happen for every packet must not be said for every packet.
package final class RateLimited: Sendable {
    private let interval: Duration
    private let state = Mutex<(last: ContinuousClock.Instant?, quiet: Int)>((nil, 0))

    package init(every interval: Duration = .seconds(60)) { self.interval = interval }

    /// How many were kept quiet since the last yes, when now is the time to speak; nil when it is not.
    package func pass(_ now: ContinuousClock.Instant = .now) -> Int? {
        state.withLock { state in
            if let last = state.last, now - last < interval {
                state.quiet += 1
                return nil
            }
            defer { state = (now, 0) }
            return state.quiet
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import Logging
internal import Synchronization

/// Says what does not work at most once a minute, and what only a person can mend once for as long as it stays the same.
package final class TroubleTalk: Sendable {
    private struct State {
        var last: ContinuousClock.Instant?
        var unsaid = 0
        var lastForGood: String?
    }

    private let state = Mutex(State())

    package init() {}

    package func say(_ trouble: KubernetesError, of resource: KubernetesResource, _ log: Logger, at now: ContinuousClock.Instant = .now) {
        guard let unsaid = pass(trouble, now) else { return }
        log.warning(
            "could not follow the API server", metadata: ["resource": "\(resource)", "error": "\(trouble)", "unsaid": "\(unsaid)"])
    }

    /// All is well again: what only a person can mend may be said again.
    package func recover() { state.withLock { $0.lastForGood = nil } }

    /// How many were kept quiet since the last word; nil when this one is to be, too.
    package func pass(_ trouble: KubernetesError, _ now: ContinuousClock.Instant) -> Int? {
        state.withLock { state in
            let isForGood = trouble.reason == .forbidden || trouble.reason == .notFound
            if isForGood, state.lastForGood == trouble.description { return nil }
            if !isForGood, let last = state.last, now - last < .seconds(60) {
                state.unsaid += 1
                return nil
            }
            if isForGood { state.lastForGood = trouble.description }
            defer { (state.last, state.unsaid) = (now, 0) }
            return state.unsaid
        }
    }
}

extension RestartReason {
    /// Whether it is trouble of the server or of the way to it, and so the same for all resources.
    var isOfServer: Bool {
        switch self {
        case .connect, .tls, .cut, .idle, .throttled, .serverError, .unauthorized: true
        case .closed, .expired, .forbidden, .notFound, .refused, .decode: false
        }
    }
}

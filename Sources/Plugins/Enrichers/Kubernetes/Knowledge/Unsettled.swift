// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit
internal import DequeModule

/// What was asked and could not be answered, but may be in a moment: an address of a pod just born, a pod whose ReplicaSet the
/// API has yet to tell of. Each is waited for once, for the settle time; then it is absent until there is news.
package struct Unsettled: Sendable {
    package static let maxWaiting = 65_536
    /// How long "waited in vain" is remembered, in seconds.
    static let memory = 600.0

    private struct Key: Hashable, Sendable {
        var address: IPAddress
        /// The pod by the cgroup; `.none` where that tells nothing.
        var pod: ObjectUID
    }

    private var isOver: [Key: Bool] = [:]
    private var waiting: Deque<(key: Key, until: Double)> = []
    private var over: Deque<(key: Key, until: Double)> = []
    /// Questions that were not waited for, since too many were waiting.
    package private(set) var refused: UInt64 = 0
    private let settle: Double

    /// `settle` in seconds.
    package init(settle: Double) { self.settle = settle }

    package var count: Int { isOver.count }

    /// Whether to wait. `now` by a clock that nobody sets.
    package mutating func shouldWait(for address: IPAddress, pod: ObjectUID?, at now: Double) -> Bool {
        let key = Key(address: address, pod: pod ?? .none)
        if let isOver = isOver[key] { return !isOver }
        guard isOver.count < Self.maxWaiting else {
            refused += 1
            return false
        }
        isOver[key] = false
        waiting.append((key, now + settle))
        return true
    }

    /// Ends the waits whose time has come; their addresses, to be asked again.
    package mutating func end(at now: Double) -> [IPAddress] {
        var ended: [IPAddress] = []
        while let oldest = waiting.first, oldest.until <= now {
            waiting.removeFirst()
            isOver[oldest.key] = true
            over.append((oldest.key, now + Self.memory))
            ended.append(oldest.key.address)
        }
        while let oldest = over.first, oldest.until <= now {
            over.removeFirst()
            isOver[oldest.key] = nil
        }
        return ended
    }

    /// Nobody is finding out any more.
    package mutating func giveUp() -> [IPAddress] { end(at: .infinity) }
}

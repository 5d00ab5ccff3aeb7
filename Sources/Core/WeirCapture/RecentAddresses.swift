// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Addresses noted in this turn or in one of the turns before: bounded, and forgotten by itself.
package struct RecentAddresses: Sendable {
    private var turns: [Set<IPAddress>]
    private var current = 0
    private let limit: Int
    /// How often an address found no room.
    package private(set) var turnedAway: UInt64 = 0

    /// Remembers for `turns` turns; at most `limit` addresses in each, more are not noted.
    package init(turns: Int, limit: Int = 65_536) {
        self.turns = Array(repeating: [], count: turns)
        self.limit = limit
    }

    package mutating func note(_ address: IPAddress) {
        if turns[current].count < limit {
            turns[current].insert(address)
        } else if !turns[current].contains(address) {
            turnedAway += 1
        }
    }

    package func contains(_ address: IPAddress) -> Bool {
        for turn in turns.indices where turns[turn].contains(address) { return true }
        return false
    }

    /// Begins a turn: what only the oldest one knew is forgotten.
    package mutating func turn() {
        current = (current + 1) % turns.count
        turns[current].removeAll(keepingCapacity: true)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Addresses noted in this turn or in one of the turns before: bounded, and forgotten by itself.
///
/// One table with open addressing over all turns, since every row of a drain asks it once or twice.
package struct RecentAddresses: Sendable {
    private struct Entry: Sendable {
        var address = IPAddress(high: 0, low: 0)
        /// The last turn in which it was noted; 0 for an entry that is free.
        var turn: UInt32 = 0
    }
    /// A power of two of them, at most three quarters in use.
    private var entries = [Entry](repeating: Entry(), count: 64)
    private var used = 0
    private var current: UInt32 = 1
    /// How many were noted in the current turn.
    private var noted = 0
    private let turns: UInt32
    private let limit: Int
    /// Strangers choose addresses; the seed keeps them from choosing collisions.
    private let seed = UInt64.random(in: .min ... .max)
    /// How often an address found no room.
    package private(set) var turnedAway: UInt64 = 0

    /// Remembers for `turns` turns; at most `limit` addresses in each, more are not noted.
    package init(turns: Int, limit: Int = 65_536) {
        self.turns = UInt32(turns)
        self.limit = limit
    }

    package mutating func note(_ address: IPAddress) {
        var place = place(of: address)
        guard entries[place].turn != current else { return }
        guard noted < limit else {
            turnedAway += 1
            return
        }
        if entries[place].turn == 0 {
            if (used + 1) * 4 > entries.count * 3 {
                rebuild(room: entries.count)
                place = self.place(of: address)
            }
            used += 1
        }
        entries[place] = Entry(address: address, turn: current)
        noted += 1
    }

    package func contains(_ address: IPAddress) -> Bool { isRecent(entries[place(of: address)]) }

    /// Begins a turn: what only the oldest one knew is forgotten.
    package mutating func turn() {
        current += 1
        noted = 0
        let kept = entries.count { isRecent($0) }
        if kept < used { rebuild(room: kept) }
    }

    private func isRecent(_ entry: Entry) -> Bool { entry.turn != 0 && entry.turn + turns > current }

    /// Where the address stands, or the free entry where it would.
    @inline(__always)
    private func place(of address: IPAddress) -> Int {
        let mask = entries.count &- 1
        var place = Int(truncatingIfNeeded: address.hash(seed: seed)) & mask
        while entries[place].turn != 0, entries[place].address != address { place = (place &+ 1) & mask }
        return place
    }

    /// Leaves out what is forgotten; afterwards there are at least twice as many entries as `room`.
    private mutating func rebuild(room: Int) {
        let old = entries
        var count = 64
        while count < room * 2 { count *= 2 }
        entries = [Entry](repeating: Entry(), count: count)
        used = 0
        for entry in old where isRecent(entry) {
            entries[place(of: entry.address)] = entry
            used += 1
        }
    }
}

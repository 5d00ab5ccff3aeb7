// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirCapture
import WeirKit

/// No kernel needed.
@Suite struct RecentAddressesTests {
    /// What it means, with a set per turn.
    private struct Meaning {
        var turns: [Set<IPAddress>]
        var current = 0
        let limit: Int
        var turnedAway: UInt64 = 0

        init(turns: Int, limit: Int) {
            self.turns = Array(repeating: [], count: turns)
            self.limit = limit
        }

        mutating func note(_ address: IPAddress) {
            if turns[current].count < limit {
                turns[current].insert(address)
            } else if !turns[current].contains(address) {
                turnedAway += 1
            }
        }

        func contains(_ address: IPAddress) -> Bool { turns.contains { $0.contains(address) } }

        mutating func turn() {
            current = (current + 1) % turns.count
            turns[current].removeAll()
        }
    }

    @Test("one table over all turns knows what a set per turn would", arguments: 1...4, [1, 5, 48, 100, 1000, .max])
    func meaning(turns: Int, limit: Int) {
        for space: UInt32 in [3, 60, 400, 5000] {
            var table = RecentAddresses(turns: turns, limit: limit)
            var sets = Meaning(turns: turns, limit: limit)
            for _ in 0..<10_000 {
                let address = IPAddress(ipv4: .random(in: 0...space))
                switch Int.random(in: 0..<1000) {
                case 0:
                    table.turn()
                    sets.turn()
                case 1..<300: #expect(table.contains(address) == sets.contains(address))
                default:
                    table.note(address)
                    sets.note(address)
                }
            }
            #expect(table.turnedAway == sets.turnedAway)
            #expect((0...space).allSatisfy { table.contains(IPAddress(ipv4: $0)) == sets.contains(IPAddress(ipv4: $0)) })
        }
    }
}

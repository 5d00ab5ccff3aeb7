// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import CWeirCapture
internal import WeirKit

/// Picks one receiver of packets that several got: members of a multicast group, raw sockets beside the real one.
///
/// Per window: every row is shown to `note`, then, when `isNeeded`, again to `noteOrdinary`, then `isCopy` answers.
package struct ReceiverCopies: Sendable {
    fileprivate struct Tuple: Hashable, Sendable {
        var source: IPAddress
        var destination: IPAddress
        var ports: UInt32
        var transport: UInt8
    }
    private struct Winner: Sendable {
        var receiver: UInt16
        var cgroup: UInt64
        var bytes: UInt64
    }
    private var winners: [Tuple: Winner] = [:]
    /// Tuples with several receivers in one window, which come from outside: more than this count all their receivers.
    private let limit: Int
    /// How many rows of such tuples found no room.
    package private(set) var turnedAway: UInt64 = 0

    package init(limit: Int = 65_536) { self.limit = limit }

    /// Some row has more than one receiver.
    package var isNeeded: Bool { !winners.isEmpty }

    /// Remembers the largest row of each tuple that has several receivers.
    package mutating func note(_ row: capture_row) {
        guard row.isSocketIn, row.receiver != 0 else { return }
        let tuple = Tuple(row)
        if let winner = winners[tuple] {
            guard (row.bytes, row.receiver) > (winner.bytes, winner.receiver) else { return }
        } else if winners.count >= limit {
            turnedAway += 1
            return
        }
        winners[tuple] = Winner(receiver: row.receiver, cgroup: row.cgroup, bytes: row.bytes)
    }

    /// The row of an ordinary socket wins over those of raw ones.
    package mutating func noteOrdinary(_ row: capture_row) {
        guard row.isSocketIn, row.receiver == 0, !winners.isEmpty else { return }
        let tuple = Tuple(row)
        if winners[tuple] != nil { winners[tuple] = Winner(receiver: 0, cgroup: row.cgroup, bytes: .max) }
    }

    /// Whether the row's packets are counted in another receiver's row.
    package func isCopy(_ row: capture_row) -> Bool {
        guard row.isSocketIn, row.receiver != 0, let winner = winners[Tuple(row)] else { return false }
        return winner.receiver != row.receiver || winner.cgroup != row.cgroup
    }

    package mutating func forget() { winners.removeAll(keepingCapacity: true) }
}

extension ReceiverCopies.Tuple {
    fileprivate init(_ row: capture_row) {
        self.init(
            source: row.source, destination: row.destination, ports: UInt32(row.src_port) << 16 | UInt32(row.dst_port),
            transport: row.protocol)
    }
}

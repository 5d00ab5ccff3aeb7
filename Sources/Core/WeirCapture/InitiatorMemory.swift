// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import CWeirCapture
package import WeirKit

/// Who opened a connection: from its handshake, now or in an earlier window, else guessed from the ports.
package struct InitiatorMemory: Sendable {
    /// A connection, the same from either end: the smaller (address, port) comes first.
    private struct Connection: Hashable, Sendable {
        var a: IPAddress
        var b: IPAddress
        var ports: UInt32
        var transport: UInt8
    }
    /// True when the end that comes first opened it.
    private var openedByFirst = RecentMemory<Connection, Bool>(limit: 65_536)

    /// Connections dropped to make room for others.
    package var dropped: UInt64 { openedByFirst.dropped }

    package init() {}

    /// The answer for a row, whose handshake bits are remembered.
    package mutating func initiator(of row: capture_row) -> (Initiator, InitiatorSource) {
        let source = row.source
        let destination = row.destination
        let inOrder = (source, row.src_port) < (destination, row.dst_port)
        let flags = row.flags
        if row.protocol == 6 {
            let connection = Connection(
                a: inOrder ? source : destination, b: inOrder ? destination : source,
                ports: inOrder
                    ? UInt32(row.src_port) << 16 | UInt32(row.dst_port) : UInt32(row.dst_port) << 16 | UInt32(row.src_port),
                transport: row.protocol)
            if flags & FLOW_SYN.rawValue != 0 {
                openedByFirst[connection] = inOrder
                return (.source, .handshake)
            }
            if flags & FLOW_SYN_ACK.rawValue != 0 {
                openedByFirst[connection] = !inOrder
                return (.destination, .handshake)
            }
            if let first = openedByFirst[connection] { return (first == inOrder ? .source : .destination, .handshake) }
        }
        // TCP, UDP, DCCP, SCTP, UDP-Lite: only their ports are ports.
        guard [6, 17, 33, 132, 136].contains(row.protocol), row.src_port != row.dst_port, row.src_port != 0, row.dst_port != 0 else {
            return (.unknown, .none)
        }
        return (row.dst_port < row.src_port ? .source : .destination, .port)
    }
}

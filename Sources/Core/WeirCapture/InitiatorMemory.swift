// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import CWeirCapture
package import WeirKit

/// Who opened a connection, by the best word there is: its handshake, connection tracking, a socket that listens. What was once said is
/// remembered, so that windows agree: only a better word stands above it. Where there is none, the ports are left to guess by.
package struct InitiatorMemory: Sendable {
    /// A connection, the same from either end: the smaller (address, port) comes first.
    fileprivate struct Connection: Hashable, Sendable {
        var a: IPAddress
        var b: IPAddress
        var ports: UInt32
        var transport: UInt8
    }
    private struct Word: Sendable {
        var openedByFirst: Bool
        var source: InitiatorSource
    }
    /// True when the end that comes first opened it. Apart from the others: a flood of datagrams must not push out what was seen of TCP.
    private var handshakes = RecentMemory<Connection, Bool>(limit: 65_536)
    /// What connection tracking said, or a socket.
    private var words = RecentMemory<Connection, Word>(limit: 65_536)

    /// Connections dropped to make room for others.
    package var dropped: UInt64 { handshakes.dropped + words.dropped }

    package init() {}

    /// The answer for a row, which is remembered unless it is guessed. `tracked`: what connection tracking says now.
    package mutating func initiator(of row: capture_row, tracked: Initiator = .unknown) -> (Initiator, InitiatorSource) {
        guard row.isConnection else { return (.unknown, .none) }
        let inOrder = row.isInOrder
        let connection = Connection(row)
        if row.protocol == 6 {
            if row.flags & FLOW_SYN.rawValue != 0 {
                handshakes[connection] = inOrder
                return (.source, .handshake)
            }
            if row.flags & FLOW_SYN_ACK.rawValue != 0 {
                handshakes[connection] = !inOrder
                return (.destination, .handshake)
            }
            if let first = handshakes[connection] { return (first == inOrder ? .source : .destination, .handshake) }
        }
        let known = words[connection]
        if let known, known.source == .conntrack || tracked == .unknown {
            return (known.openedByFirst == inOrder ? .source : .destination, known.source)
        }
        if tracked != .unknown {
            words[connection] = Word(openedByFirst: (tracked == .source) == inOrder, source: .conntrack)
            return (tracked, .conntrack)
        }
        guard row.src_port != row.dst_port else { return (.unknown, .none) }
        return (row.dst_port < row.src_port ? .source : .destination, .port)
    }

    /// Remembers what a listening socket said of a row for which there was nothing better than its ports.
    package mutating func learn(_ initiator: Initiator, of row: capture_row) {
        guard initiator != .unknown else { return }
        words[Connection(row)] = Word(openedByFirst: (initiator == .source) == row.isInOrder, source: .listener)
    }
}

extension capture_row {
    /// Its ports are ports: of TCP, UDP, DCCP, SCTP or UDP-Lite, and not of a later fragment.
    var isConnection: Bool {
        switch self.protocol {
        case 6, 17, 33, 132, 136: src_port != 0 && dst_port != 0
        default: false
        }
    }

    fileprivate var isInOrder: Bool { (source, src_port) < (destination, dst_port) }
}

extension InitiatorMemory.Connection {
    fileprivate init(_ row: capture_row) {
        let inOrder = row.isInOrder
        self.init(
            a: inOrder ? row.source : row.destination, b: inOrder ? row.destination : row.source,
            ports: inOrder
                ? UInt32(row.src_port) << 16 | UInt32(row.dst_port) : UInt32(row.dst_port) << 16 | UInt32(row.src_port),
            transport: row.protocol)
    }
}

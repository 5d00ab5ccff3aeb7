// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import CWeirCapture
internal import WeirKit

/// Which cgroup owns a local socket address, learnt from both socket hooks.
///
/// It lends the receiver's owner to the sender's row, the one that counts when both ends are on this host.
package struct SocketOwners: Sendable {
    private struct Socket: Hashable, Sendable {
        var address: IPAddress
        var port: UInt16
        var transport: UInt8
    }
    private var owners = RecentMemory<Socket, UInt64>(limit: 65_536)
    /// Several owners behind one key without ports: better none than the wrong one.
    private static let ambiguous = UInt64.max

    /// Sockets dropped to make room for others.
    package var dropped: UInt64 { owners.dropped }

    package mutating func note(_ row: capture_row) {
        guard row.cgroup != 0 else { return }
        let isReceiver = row.isSocketIn
        let socket = Socket(
            address: isReceiver ? row.destination : row.source, port: isReceiver ? row.dst_port : row.src_port, transport: row.protocol)
        if socket.port == 0, let known = owners[socket], known != row.cgroup {
            owners[socket] = Self.ambiguous
        } else {
            owners[socket] = row.cgroup
        }
    }

    /// The owner of the socket that receives `row`, or 0.
    package mutating func receiver(of row: capture_row) -> UInt64 {
        let owner = owners[Socket(address: row.destination, port: row.dst_port, transport: row.protocol)]
        return owner == Self.ambiguous ? 0 : owner ?? 0
    }
}

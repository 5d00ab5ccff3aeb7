// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import CWeirCapture
package import Netlink
package import WeirKit

/// Which ends on this host wait for others to begin: an answer to who opened a connection that nobody saw begin.
///
/// A wildcard means addresses of its own network namespace and no others, so those of other namespaces stand here once for each address
/// there. Loopback is in every namespace: two that listen at its ends, wherever, leave it undecided.
package struct ListenerTable: Sendable {
    private var sockets: Set<ListeningSocket> = []
    /// A bit for each port that is in `sockets`: most ends are ruled out by it.
    private var ports = [UInt64](repeating: 0, count: 65_536 / 64)
    /// Ports that the kernel gives to sockets that ask for any: with UDP such a socket asks rather than waits.
    private let ephemeral: ClosedRange<UInt16>
    private let limit: Int
    /// Sockets that found no room.
    package private(set) var turnedAway: UInt64 = 0

    package init(ephemeral: ClosedRange<UInt16> = 32_768...60_999, limit: Int = 65_536) {
        self.ephemeral = ephemeral
        self.limit = limit
    }

    package var count: Int { sockets.count }

    /// Of the capture's network namespace.
    package mutating func insert(_ socket: ListeningSocket) {
        if socket.transport == 17 || socket.transport == 136, ephemeral.contains(socket.port) { return }
        guard sockets.count < limit || sockets.contains(socket) else {
            turnedAway += 1
            return
        }
        sockets.insert(socket)
        ports[Int(socket.port >> 6)] |= 1 << UInt64(socket.port & 63)
    }

    /// Of another namespace that has these addresses. What it shares with the capture's own, `own`, means the latter, but for loopback.
    package mutating func insert(_ socket: ListeningSocket, in addresses: Set<IPAddress>, own: Set<IPAddress>) {
        func insert(at address: IPAddress) {
            guard address.isLoopback || !own.contains(address) else { return }
            self.insert(ListeningSocket(address, socket.port, transport: socket.transport))
        }
        guard socket.isWildcard else { return insert(at: socket.address) }
        for address in addresses where socket.address == ListeningSocket.any || address.isIPv4 { insert(at: address) }
    }

    /// The end that did not wait, when just one of them does: every address in here is one of this host's, also of a container that has not
    /// sent anything yet. A few look-ups without allocation.
    package func initiator(of row: capture_row, _ addresses: HostAddresses) -> Initiator {
        // Between equals (IKE, WireGuard, NTP's peers) each waits for the other.
        if row.protocol == 17 || row.protocol == 136, row.src_port == row.dst_port { return .unknown }
        let sourceWaits = waits(row.source, row.src_port, row.protocol, isOwn: addresses.isOwn(row.source))
        let destinationWaits = waits(row.destination, row.dst_port, row.protocol, isOwn: addresses.isOwn(row.destination))
        return sourceWaits == destinationWaits ? .unknown : sourceWaits ? .destination : .source
    }

    private func waits(_ address: IPAddress, _ port: UInt16, _ transport: UInt8, isOwn: @autoclosure () -> Bool) -> Bool {
        guard ports[Int(port >> 6)] & 1 << UInt64(port & 63) != 0 else { return false }
        if sockets.contains(ListeningSocket(address, port, transport: transport)) { return true }
        guard isOwn() else { return false }
        return sockets.contains(ListeningSocket(ListeningSocket.any, port, transport: transport))
            || address.isIPv4 && sockets.contains(ListeningSocket(ListeningSocket.anyIPv4, port, transport: transport))
    }
}

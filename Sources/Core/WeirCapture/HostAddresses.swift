// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import CWeirCapture
package import Netlink
package import WeirKit

/// Which addresses are on this host, in any of its network namespaces, and what follows for a flow's observer.
package struct HostAddresses: Sendable {
    /// Of this namespace, from netlink.
    private var own = RecentAddresses(turns: 1, limit: .max)
    /// Of containers: they sent through a port or from a socket, or received at one, not long ago.
    private var learnt: RecentAddresses
    private var last: (address: IPAddress, isLocal: Bool)?

    /// A container that only listens still acknowledges: half a minute to a minute of silence is gone or idle.
    package static let turn = Duration.seconds(30)

    package init(limit: Int = 65_536) { learnt = RecentAddresses(turns: 2, limit: limit) }

    /// How often an address found no room.
    package var turnedAway: UInt64 { learnt.turnedAway }

    package mutating func follow(_ table: LinkTable) {
        own = RecentAddresses(turns: 1, limit: .max)
        for address in table.addresses { own.note(address.address) }
        last = nil
    }

    package mutating func turn() {
        learnt.turn()
        last = nil
    }

    /// Remembers the end that is on this host, where the hook says so. A container may only ever receive, so sockets
    /// tell both ways; a group that several sockets joined is nobody's address.
    package mutating func note(_ row: capture_row) {
        switch row.flowHook {
        case FLOW_PORT_IN, FLOW_SOCKET_OUT: note(row.source)
        case FLOW_SOCKET_IN where row.receiver == 0: note(row.destination)
        default: break
        }
    }

    private mutating func note(_ address: IPAddress) {
        guard !own.contains(address) else { return }
        learnt.note(address)
        if let last, last.address == address { self.last = nil }
    }

    /// The last answer is kept: rows of one busy end often follow each other.
    package mutating func isLocal(_ address: IPAddress) -> Bool {
        if let last, last.address == address { return last.isLocal }
        let isLocal = address.isLoopback || own.contains(address) || learnt.contains(address)
        last = (address, isLocal)
        return isLocal
    }

    /// Whether the address is one of this namespace's own, not a container's.
    package func isOwn(_ address: IPAddress) -> Bool { address.isLoopback || own.contains(address) }

    /// From the hook where it can tell, else from addresses.
    package mutating func observer(of row: capture_row) -> Observer {
        let sourceIsLocal: Bool
        let destinationIsLocal: Bool
        switch row.flowHook {
        case FLOW_MADE, FLOW_PORT_IN, FLOW_SOCKET_OUT:
            sourceIsLocal = true
            destinationIsLocal = isLocal(row.destination)
        case FLOW_SOCKET_IN:
            sourceIsLocal = false
            destinationIsLocal = true
        case FLOW_UPLINK_IN:
            sourceIsLocal = false
            destinationIsLocal = isLocal(row.destination)
        default:
            sourceIsLocal = isLocal(row.source)
            destinationIsLocal = isLocal(row.destination)
        }
        return switch (sourceIsLocal, destinationIsLocal) {
        case (true, true): .both
        case (true, false): .source
        case (false, true): .destination
        case (false, false): .transit
        }
    }
}

extension IPAddress {
    /// 127.0.0.0/8 and ::1.
    package var isLoopback: Bool { isIPv4 ? low & 0xff00_0000 == 0x7f00_0000 : high == 0 && low == 1 }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import Netlink
private import WeirKit

/// What a device is to the capture, decided from netlink alone.
package struct Device: Equatable, Sendable {
    package var index: UInt32
    package var name: String
    package var role: DeviceRole
    /// Its frames start with an Ethernet header.
    package var isEthernet: Bool
    /// The programs cannot tell where layer 3 begins: frames start with something else than Ethernet.
    package var hasUnknownHeader: Bool
}

/// Who is at the far end of a device.
public enum DeviceRole: String, Sendable {
    /// Another host.
    case uplink
    /// A container or a virtual machine of this host.
    case port
    /// This network namespace itself: only egress counts.
    case loopback
}

/// Which devices get programs, and which ones their packets are counted below of.
///
/// A packet counts where it enters the namespace: at a *leaf*, or out of a tunnel whose inner packets count. An *upper* device (bridge, bond, VLAN, tunnel) carries
/// packets that some leaf has carried already, so it gets programs only when the user names it and none of its own does.
/// What stands on a device of another namespace is a leaf here.
package struct DevicePlan: Equatable, Sendable {
    package var attached: [UInt32: Device] = [:]
    /// Would be attached, but the programs cannot read their frames.
    package var unreadable: [UInt32: Device] = [:]
    /// Attached, or above an attached one, or a tunnel whose outer packets count.
    package var watched: Set<UInt32> = []
    /// By tunnel that is attached: packets between these do not count, those in it do.
    package var tunnelEnds: [UInt32: [TunnelEnd]] = [:]

    package init() {}

    package init(_ table: LinkTable, _ filter: InterfaceFilter, _ tunnels: TunnelSide = .inner) {
        let links = table.links
        if tunnels == .inner {
            // For what is in it, a tunnel is where it enters this namespace. One that is down receives nothing.
            for link in links.values {
                guard link.tunnel != nil, link.isUp, filter.allows(link.name) else { continue }
                attached[link.index] = Device(link, in: table)
                tunnelEnds[link.index] = TunnelEnd.all(of: link, in: table)
            }
        }
        for link in links.values where link.isLeaf && filter.allows(link.name) {
            attached[link.index] = Device(link, in: table)
        }
        let named = links.values.filter { !$0.isLeaf && attached[$0.index] == nil && filter.includes($0.name) && filter.allows($0.name) }
        // From the bottom up, so that of two named devices that stand on each other the lower one wins.
        for link in named.sorted(by: { Self.height($0, links) < Self.height($1, links) }) {
            if Self.below(link, links).allSatisfy({ attached[$0] == nil }) { attached[link.index] = Device(link, in: table) }
        }
        unreadable = attached.filter { $0.value.hasUnknownHeader }
        attached = attached.filter { !$0.value.hasUnknownHeader }
        watched = Set(attached.keys)
        let hasUplink = attached.values.contains { $0.role == .uplink && links[$0.index]?.isTunnel == false }
        // Each round may find devices above those of the round before; stacks are a few devices high.
        var grew = true
        while grew {
            grew = false
            for link in links.values where !watched.contains(link.index) && !link.isLeaf {
                let standsOnWatched = Self.directlyBelow(link, links).contains { watched.contains($0) }
                let isCountedTunnel = link.isTunnel && hasUplink && link.lower == 0
                if standsOnWatched || isCountedTunnel {
                    watched.insert(link.index)
                    grew = true
                }
            }
        }
    }

    private static func directlyBelow(_ link: Link, _ links: [UInt32: Link]) -> [UInt32] {
        var below = links.values.filter { $0.master == link.index }.map(\.index)
        if let lower = link.lower, lower != 0, lower != link.index { below.append(lower) }
        return below
    }

    private static func below(_ link: Link, _ links: [UInt32: Link]) -> Set<UInt32> {
        var found: Set<UInt32> = []
        var open = directlyBelow(link, links)
        while let next = open.popLast() {
            guard found.insert(next).inserted, let link = links[next], !link.isLeaf else { continue }
            open += directlyBelow(link, links)
        }
        return found
    }

    private static func height(_ link: Link, _ links: [UInt32: Link]) -> Int { below(link, links).count }
}

extension Device {
    package init(_ link: Link, in table: LinkTable) {
        index = link.index
        name = link.name
        isEthernet = link.hardware == 1 || link.isLoopback
        hasUnknownHeader = !isEthernet && !link.isHeaderless
        // A tap is a virtual machine's; a tun without Ethernet is most often a VPN, and its far end another host.
        let reachesHost = ["veth", "netkit"].contains(link.kind) || link.kind == "tun" && link.hardware == 1
        // A container's own veth has an address with a subnet: seen from inside it is the uplink.
        let hasSubnet = table.addresses.contains {
            $0.link == link.index && $0.isGlobal && $0.prefixLength < $0.address.bitWidth
        }
        role = link.isLoopback ? .loopback : reachesHost && (link.master != 0 || !hasSubnet) ? .port : .uplink
    }
}

extension Link {
    package var isLoopback: Bool { hardware == 772 }
    package var isTunnel: Bool { Self.tunnels.contains(kind) }
    package var isUpper: Bool { Self.stacked.contains(kind) || isTunnel }
    /// Nothing in this network namespace carries its packets before it does. (`lower` is nil when that is elsewhere.)
    package var isLeaf: Bool { !isUpper || lower == nil }
    /// Packets start with layer 3: ARPHRD_PPP, TUNNEL, TUNNEL6, SIT, IPGRE, IP6GRE, RAWIP, NONE.
    package var isHeaderless: Bool { [512, 768, 769, 776, 778, 823, 519, 65_534].contains(hardware) }

    /// Kinds that stand on devices of this host.
    private static let stacked: Set<String> = [
        "bridge", "bond", "team", "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "vrf", "macsec", "hsr", "batadv", "openvswitch",
    ]
    /// Kinds whose packets leave again inside others.
    private static let tunnels: Set<String> = [
        "vxlan", "geneve", "gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan", "ipip", "sit", "ip6tnl", "wireguard", "xfrm",
        "vti", "vti6", "gtp", "bareudp", "l2tp",
    ]
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture
package import Netlink
package import WeirKit

/// One address of this host where a tunnel ends, and how the packets look that carry its own.
package struct TunnelEnd: Hashable, Sendable {
    package var local: IPAddress
    /// Nil: whoever it is.
    package var remote: IPAddress?
    /// UDP's port, or GRE's word for what is in it; 0 for IP in IP.
    package var kind: UInt16
    package var transport: UInt8

    package init(local: IPAddress, remote: IPAddress? = nil, kind: UInt16, transport: UInt8) {
        self.local = local
        self.remote = remote
        self.kind = kind
        self.transport = transport
    }

    /// Every end of a tunnel: one for each address of this host, unless it is bound to one, and each thing that may be in it.
    static func all(of link: Link, in table: LinkTable) -> [TunnelEnd] {
        guard let tunnel = link.tunnel else { return [] }
        let isIPv4 = tunnel.isIPv4 ?? tunnel.remote?.isIPv4
        let locals = tunnel.local.map { [$0] } ?? table.addresses.map(\.address).filter { isIPv4 == nil || $0.isIPv4 == isIPv4 }
        // A VXLAN or Geneve port takes packets from anyone, whatever address the device sends to.
        let remote = tunnel.transport == 17 ? nil : tunnel.remote
        return locals.flatMap { local in
            outsides(of: tunnel, isEthernet: link.hardware == 1).map {
                TunnelEnd(local: local, remote: remote, kind: $0.kind, transport: $0.transport)
            }
        }
    }

    private static func outsides(of tunnel: Link.Tunnel, isEthernet: Bool) -> [(transport: UInt8, kind: UInt16)] {
        switch tunnel.transport {
        case 17: [(17, tunnel.port)]
        case 47: (isEthernet ? [0x6558] : [0x0800, 0x86dd]).map { (47, $0) }
        case let own where tunnel.content == 0: own == 4 ? [(4, 0)] : [(4, 0), (41, 0)]
        default: [(tunnel.content, 0)]
        }
    }
}

extension capture_tunnel_end {
    init(_ end: TunnelEnd) {
        self.init(
            local_high: end.local.high, local_low: end.local.low, remote_high: end.remote?.high ?? 0, remote_low: end.remote?.low ?? 0,
            kind: end.kind, protocol: end.transport)
    }
}

/// What becomes of the packets of each tunnel on this host, one sentence each, for `weir explain`.
package func tunnelPaths(_ table: LinkTable, _ filter: InterfaceFilter, _ side: TunnelSide) -> [String] {
    let plan = DevicePlan(table, filter, side)
    return table.links.values.sorted { $0.index < $1.index }.compactMap { link in
        guard link.isTunnel || link.kind == "tun" && link.hardware != 1 else { return nil }
        let name = "\(link.name) (\(link.kind))"
        guard plan.attached[link.index] != nil else {
            let reason =
                switch side {
                case .outer: "as accounting.tunnels says"
                case .inner where link.tunnel == nil: "as outer packets of this kind cannot be told from others"
                case .inner where !link.isUp: "as it is down"
                case .inner: "as capture.interfaces leaves it out"
                }
            return "\(name): the packets around those in it count, \(reason); what comes from a container and goes into it counts too"
        }
        guard let tunnel = link.tunnel, side == .inner else { return "\(name): the packets in it count, and those around them too" }
        let port =
            switch tunnel.transport {
            case 17: "UDP port \(tunnel.port)"
            case 47: "GRE"
            default: "IP in IP"
            }
        return "\(name): the packets in it count; those around them (\(port)\(tunnel.local.map { " of \($0)" } ?? "")) are not_counted{tunnel}"
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// A network device as netlink describes it.
public struct Link: Sendable, Equatable {
    /// Its number in this network namespace.
    public var index: UInt32
    public var name: String
    /// The driver's word for it (`IFLA_INFO_KIND`): "veth", "bridge", …; empty for hardware.
    public var kind: String
    /// What its frames start with (`ARPHRD_…`): 1 is Ethernet.
    public var hardware: UInt16
    /// The bridge, bond or VRF that it belongs to, or 0.
    public var master: UInt32
    /// The device that it stands on (a VLAN's, a macvlan's), or 0. Nil when that one is in another network namespace.
    public var lower: UInt32?
    public var isUp: Bool
    /// An XDP program stands before the stack: what it redirects or drops nobody behind it sees.
    public var hasXDP: Bool
    /// How the packets look that carry its own; nil for what is no tunnel, and for tunnels that are not read.
    public var tunnel: Tunnel?

    /// The outside of a tunnel.
    public struct Tunnel: Sendable, Equatable {
        /// 17 UDP (VXLAN, Geneve), 47 GRE, 4 and 41 IP in IP.
        public var transport: UInt8
        /// The port that receives, at both ends; 0 for what has none.
        public var port: UInt16
        /// Of IP in IP: the one protocol that is in there, 4 or 41; 0 for any.
        public var content: UInt8
        /// Nil: either, or as its addresses are.
        public var isIPv4: Bool?
        /// Nil: any of this host's.
        public var local: IPAddress?
        /// Nil: whoever it is.
        public var remote: IPAddress?

        public init(
            transport: UInt8, port: UInt16 = 0, content: UInt8 = 0, isIPv4: Bool? = nil, local: IPAddress? = nil, remote: IPAddress? = nil
        ) {
            self.transport = transport
            self.port = port
            self.content = content
            self.isIPv4 = isIPv4
            self.local = local
            self.remote = remote
        }
    }

    public init(
        index: UInt32, name: String, kind: String = "", hardware: UInt16 = 1, master: UInt32 = 0, lower: UInt32? = 0, isUp: Bool = true,
        hasXDP: Bool = false, tunnel: Tunnel? = nil
    ) {
        self.index = index
        self.name = name
        self.kind = kind
        self.hardware = hardware
        self.master = master
        self.lower = lower
        self.isUp = isUp
        self.hasXDP = hasXDP
        self.tunnel = tunnel
    }
}

/// An address of a network device.
public struct LinkAddress: Sendable, Hashable {
    public var link: UInt32
    public var address: IPAddress
    public var prefixLength: Int
    /// Reaches beyond its own link (`RT_SCOPE_UNIVERSE`).
    public var isGlobal: Bool

    public init(link: UInt32, address: IPAddress, prefixLength: Int, isGlobal: Bool = true) {
        self.link = link
        self.address = address
        self.prefixLength = prefixLength
        self.isGlobal = isGlobal
    }
}

/// One change to what is known.
public enum LinkEvent: Sendable, Equatable {
    case link(Link)
    case linkGone(UInt32)
    case address(LinkAddress)
    case addressGone(LinkAddress)
}

/// The devices and addresses of a network namespace: a plain value, changed by events.
public struct LinkTable: Sendable, Equatable {
    /// By index.
    public private(set) var links: [UInt32: Link] = [:]
    public private(set) var addresses: Set<LinkAddress> = []

    public init() {}

    public mutating func apply(_ event: LinkEvent) {
        switch event {
        case .link(let link): links[link.index] = link
        case .linkGone(let index):
            links[index] = nil
            addresses = addresses.filter { $0.link != index }
        case .address(let address): addresses.insert(address)
        case .addressGone(let address): addresses.remove(address)
        }
    }
}

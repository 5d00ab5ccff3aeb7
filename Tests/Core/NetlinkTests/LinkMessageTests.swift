// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Netlink
import Testing
import WeirKit

/// Messages of rtnetlink. Tunnels other than VXLAN are written here as Linux describes them (`ipip_fill_info`, `ipgre_fill_info`, …),
/// since they need modules that a kernel may lack.
@Suite
struct LinkMessageTests {
    static func attribute(_ type: UInt16, _ payload: [UInt8]) -> [UInt8] {
        little(UInt16(4 + payload.count)) + little(type) + payload + [UInt8](repeating: 0, count: (4 - payload.count % 4) % 4)
    }

    static func little(_ number: UInt16) -> [UInt8] { [UInt8(truncatingIfNeeded: number), UInt8(number >> 8)] }

    /// RTM_NEWLINK of device 5, "t0", which is up; `data` is what its kind says of it (IFLA_INFO_DATA).
    static func message(_ kind: String, hardware: UInt16, _ data: [UInt8]) -> [UInt8] {
        let information = attribute(1, Array(kind.utf8) + [0]) + attribute(2, data)
        let body =
            [0, 0] + little(hardware) + [5, 0, 0, 0] + [1, 0, 0, 0] + [0, 0, 0, 0]  // ifinfomsg: family, hardware, index, flags, change
            + attribute(3, Array("t0".utf8) + [0]) + attribute(18, information)  // IFLA_IFNAME, IFLA_LINKINFO
        return little(UInt16(16 + body.count)) + [0, 0] + little(16) + [2, 0] + [0, 0, 0, 0] + [0, 0, 0, 0] + body
    }

    static func link(_ kind: String, hardware: UInt16, _ data: [UInt8]) -> Link? {
        guard case .link(let link) = LinkWatch.read(message(kind, hardware: hardware, data)).first else { return nil }
        return link
    }

    static let local: [UInt8] = [10, 0, 0, 4]
    static let remote: [UInt8] = [10, 0, 0, 9]
    static let six: [UInt8] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4]

    @Test("IP in IP: its ends, and what may be in it")
    func ipInIP() throws {
        let ends = Self.attribute(2, Self.local) + Self.attribute(3, Self.remote)  // IFLA_IPTUN_LOCAL, _REMOTE
        let link = try #require(Self.link("ipip", hardware: 768, ends + Self.attribute(9, [4])))  // IFLA_IPTUN_PROTO
        #expect(
            link
                == Link(
                    index: 5, name: "t0", kind: "ipip", hardware: 768,
                    tunnel: Link.Tunnel(
                        transport: 4, content: 4, isIPv4: true, local: IPAddress("10.0.0.4")!, remote: IPAddress("10.0.0.9")!)))
        // The one that the module makes by itself has no ends.
        let none = Self.attribute(2, [0, 0, 0, 0]) + Self.attribute(3, [0, 0, 0, 0])
        #expect(Self.link("ipip", hardware: 768, none)?.tunnel == Link.Tunnel(transport: 4, isIPv4: true))
        #expect(Self.link("sit", hardware: 776, none + Self.attribute(9, [41]))?.tunnel == Link.Tunnel(transport: 41, content: 41, isIPv4: true))
        #expect(
            Self.link("ip6tnl", hardware: 769, Self.attribute(2, Self.six) + Self.attribute(9, [0]))?.tunnel
                == Link.Tunnel(transport: 41, isIPv4: false, local: IPAddress("fd00::4")!))
        // IFLA_IPTUN_ENCAP_TYPE: all of it is in UDP once more.
        #expect(Self.link("ipip", hardware: 768, ends + Self.attribute(15, [1, 0]))?.tunnel == nil)
    }

    @Test("GRE: with Ethernet or layer 3 in it, and not where its packets begin with the outer header")
    func gre() {
        let ends = Self.attribute(6, Self.local) + Self.attribute(7, Self.remote)  // IFLA_GRE_LOCAL, _REMOTE
        let both = Link.Tunnel(transport: 47, isIPv4: true, local: IPAddress("10.0.0.4")!, remote: IPAddress("10.0.0.9")!)
        #expect(Self.link("gretap", hardware: 1, ends)?.tunnel == both)
        #expect(Self.link("gre", hardware: 778, ends)?.tunnel == both)
        let toMany = Self.attribute(6, Self.local) + Self.attribute(7, [0, 0, 0, 0])
        #expect(Self.link("gre", hardware: 778, toMany)?.tunnel == nil)
        #expect(Self.link("gre", hardware: 778, Self.attribute(6, Self.local) + Self.attribute(7, [239, 0, 0, 9]))?.tunnel == nil)
        // IFLA_GRE_COLLECT_METADATA: the route says where to.
        #expect(Self.link("gre", hardware: 778, Self.attribute(18, []))?.tunnel == Link.Tunnel(transport: 47, isIPv4: true))
        #expect(Self.link("gretap", hardware: 1, toMany)?.tunnel == Link.Tunnel(transport: 47, isIPv4: true, local: IPAddress("10.0.0.4")!))
        #expect(Self.link("gre", hardware: 778, ends + Self.attribute(14, [2, 0]))?.tunnel == nil)
        #expect(Self.link("ip6gre", hardware: 823, Self.attribute(6, Self.six) + Self.attribute(7, Self.six))?.tunnel?.isIPv4 == false)
    }

    @Test("a message that is cut anywhere, or whose parts are, is read no further")
    func cut() {
        let data = Self.attribute(2, Self.local) + Self.attribute(3, Self.remote) + Self.attribute(9, [4])
        let whole = Self.message("ipip", hardware: 768, data)
        for length in 0..<whole.count { #expect(LinkWatch.read(Array(whole.prefix(length))).isEmpty, "\(length) bytes") }
        #expect(LinkWatch.read(whole + whole).count == 2)
        // An empty address, number and protocol.
        let empty = [2, 3, 9, 15].flatMap { Self.attribute($0, []) }
        #expect(Self.link("ipip", hardware: 768, empty)?.tunnel == Link.Tunnel(transport: 4, isIPv4: true))
        #expect(Self.link("wireguard", hardware: 65_534, empty)?.tunnel == nil)
    }
}

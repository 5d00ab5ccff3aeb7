// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Netlink
import Testing
import WeirCapture
import WeirKit

/// Which devices are attached, which watched, and which source is chosen: no kernel needed.
@Suite
struct DeviceTests {
    static func table(_ links: [Link], _ addresses: [LinkAddress] = []) -> LinkTable {
        var table = LinkTable()
        for link in links { table.apply(.link(link)) }
        for address in addresses { table.apply(.address(address)) }
        return table
    }

    /// lo, eth0 in bond0 with VLAN bond0.7, docker0 with veth1, wg0.
    static let stack = table(
        [
            Link(index: 1, name: "lo", hardware: 772), Link(index: 2, name: "eth0", master: 3), Link(index: 3, name: "bond0", kind: "bond"),
            Link(index: 4, name: "bond0.7", kind: "vlan", lower: 3), Link(index: 5, name: "docker0", kind: "bridge"),
            Link(index: 6, name: "veth1", kind: "veth", master: 5, lower: nil), Link(index: 7, name: "wg0", kind: "wireguard", hardware: 65534),
            Link(index: 8, name: "veth2", kind: "veth", lower: nil),
        ],
        [LinkAddress(link: 8, address: IPAddress("10.0.0.5")!, prefixLength: 24)])

    @Test("leaves are attached, what stands on them is watched")
    func leaves() {
        let plan = DevicePlan(Self.stack, InterfaceFilter())
        #expect(Set(plan.attached.keys) == [2, 6, 8])
        #expect(plan.watched == [2, 3, 4, 5, 6, 7, 8])
        #expect(plan.attached[2]?.role == .uplink)
        #expect(plan.attached[6]?.role == .port)
        #expect(plan.attached[8]?.role == .uplink)
    }

    @Test("an upper device is attached when it is named and nothing below it is")
    func uppers() {
        #expect(Set(DevicePlan(Self.stack, InterfaceFilter(include: [.glob("bond*")])).attached.keys) == [3])
        #expect(Set(DevicePlan(Self.stack, InterfaceFilter(include: [.exact("bond0.7")])).attached.keys) == [4])
        #expect(Set(DevicePlan(Self.stack, InterfaceFilter(include: [.exact("eth0"), .exact("bond0")])).attached.keys) == [2])
        #expect(Set(DevicePlan(Self.stack, InterfaceFilter(include: [], exclude: [])).attached.keys) == [1, 2, 6, 8])
        #expect(DevicePlan(Self.stack, InterfaceFilter(include: [.exact("veth1")])).watched == [5, 6])
    }

    @Test("a tap leads to a virtual machine, a tun without Ethernet to another host")
    func tuns() {
        let table = Self.table([
            Link(index: 2, name: "tap0", kind: "tun"), Link(index: 3, name: "tun0", kind: "tun", hardware: 65534),
            Link(index: 4, name: "nk0", kind: "netkit"),
        ])
        let plan = DevicePlan(table, InterfaceFilter())
        #expect(plan.attached.mapValues(\.role) == [2: .port, 3: .uplink, 4: .port])
        #expect(plan.attached.mapValues(\.isEthernet) == [2: true, 3: false, 4: true])
        #expect(tunnelPaths(table, InterfaceFilter(), .inner).map { $0.prefix(4) } == ["tun0"])
    }

    /// eth0 with 10.0.0.4 and fd00::4, VXLAN bound to nothing, GRE between two addresses, one that is down, WireGuard.
    static let tunnels = table(
        [
            Link(index: 2, name: "eth0"), Link(index: 3, name: "vx0", kind: "vxlan", lower: 2, tunnel: Link.Tunnel(transport: 17, port: 8472)),
            Link(
                index: 4, name: "gre1", kind: "gretap",
                tunnel: Link.Tunnel(transport: 47, local: IPAddress("10.0.0.4")!, remote: IPAddress("10.0.0.9")!)),
            Link(index: 5, name: "gen0", kind: "geneve", isUp: false, tunnel: Link.Tunnel(transport: 17, port: 6081)),
            Link(index: 6, name: "wg0", kind: "wireguard", hardware: 65534),
        ],
        ["10.0.0.4", "fd00::4"].map { LinkAddress(link: 2, address: IPAddress($0)!, prefixLength: 24) })

    @Test("a tunnel is attached for its inner packets, and its ends are known")
    func innerTunnels() {
        let plan = DevicePlan(Self.tunnels, InterfaceFilter())
        #expect(plan.attached.mapValues(\.role) == [2: .uplink, 3: .uplink, 4: .uplink])
        #expect(
            Set(plan.tunnelEnds.values.joined()) == [
                TunnelEnd(local: IPAddress("10.0.0.4")!, kind: 8472, transport: 17),
                TunnelEnd(local: IPAddress("fd00::4")!, kind: 8472, transport: 17),
                TunnelEnd(local: IPAddress("10.0.0.4")!, remote: IPAddress("10.0.0.9")!, kind: 0x6558, transport: 47),
            ])
        // What comes out of the others counted as the packets around it.
        #expect(plan.watched == [2, 3, 4, 5, 6])
        #expect(
            tunnelPaths(Self.tunnels, InterfaceFilter(), .inner) == [
                "vx0 (vxlan): the packets in it count; those around them (UDP port 8472) are not_counted{tunnel}",
                "gre1 (gretap): the packets in it count; those around them (GRE of 10.0.0.4) are not_counted{tunnel}",
                "gen0 (geneve): the packets around those in it count, as it is down; what comes from a container and goes into it counts too",
                "wg0 (wireguard): the packets around those in it count, as outer packets of this kind cannot be told from others; "
                    + "what comes from a container and goes into it counts too",
            ])
    }

    @Test("a tunnel of layer 3 has an end for each thing that may be in it, in its own family")
    func layer3Tunnels() {
        let (me, other) = (IPAddress("10.0.0.4")!, IPAddress("10.0.0.9")!)
        let table = Self.table(
            [
                Link(index: 2, name: "eth0"),
                Link(index: 3, name: "tunl0", kind: "ipip", hardware: 768, tunnel: Link.Tunnel(transport: 4, content: 4, isIPv4: true)),
                Link(index: 4, name: "sit1", kind: "sit", hardware: 776, tunnel: Link.Tunnel(transport: 41, isIPv4: true, local: me, remote: other)),
                Link(index: 5, name: "gre1", kind: "gre", hardware: 778, tunnel: Link.Tunnel(transport: 47, isIPv4: true, local: me, remote: other)),
                Link(index: 6, name: "ip6tnl1", kind: "ip6tnl", hardware: 769, tunnel: Link.Tunnel(transport: 41, content: 41, isIPv4: false)),
            ],
            ["10.0.0.4", "fd00::4"].map { LinkAddress(link: 2, address: IPAddress($0)!, prefixLength: 24) })
        let plan = DevicePlan(table, InterfaceFilter())
        #expect(plan.attached.mapValues(\.isEthernet) == [2: true, 3: false, 4: false, 5: false, 6: false])
        #expect(plan.attached.values.allSatisfy { $0.role == .uplink })
        #expect(
            plan.tunnelEnds.mapValues(Set.init) == [
                3: [TunnelEnd(local: me, kind: 0, transport: 4)],
                4: [4, 41].map { TunnelEnd(local: me, remote: other, kind: 0, transport: $0) }.set,
                5: [0x800, 0x86dd].map { TunnelEnd(local: me, remote: other, kind: $0, transport: 47) }.set,
                6: [TunnelEnd(local: IPAddress("fd00::4")!, kind: 0, transport: 41)],
            ])
        #expect(
            tunnelPaths(table, InterfaceFilter(), .inner).first
                == "tunl0 (ipip): the packets in it count; those around them (IP in IP) are not_counted{tunnel}")
    }

    @Test("a tunnel that is left out, or whose outer packets shall count, is watched and not attached")
    func outerTunnels() {
        let outer = DevicePlan(Self.tunnels, InterfaceFilter(), .outer)
        let left = DevicePlan(Self.tunnels, InterfaceFilter(include: [.exact("eth0")]))
        for plan in [outer, left] {
            #expect(Set(plan.attached.keys) == [2])
            #expect(plan.tunnelEnds.isEmpty)
            #expect(plan.watched == [2, 3, 4, 5, 6])
        }
        #expect(tunnelPaths(Self.tunnels, InterfaceFilter(), .outer)[0].contains("as accounting.tunnels says"))
        #expect(tunnelPaths(Self.tunnels, InterfaceFilter(include: [.exact("eth0")]), .inner)[0].contains("as capture.interfaces leaves it out"))
    }

    @Test("what stands on a device of another namespace is a leaf")
    func lowerElsewhere() {
        let table = Self.table([
            Link(index: 2, name: "eth0", kind: "macvlan", lower: nil), Link(index: 3, name: "eth0.7", kind: "vlan", lower: 2),
        ])
        let plan = DevicePlan(table, InterfaceFilter())
        #expect(Set(plan.attached.keys) == [2])
        #expect(plan.watched == [2, 3])
        #expect(plan.attached[2]?.role == .uplink)
    }

    @Test(
        "only Ethernet and no link header at all can be read",
        arguments: [(1, false), (772, false), (65534, false), (512, false), (32, true), (24, true), (280, true)])
    func linkHeaders(hardware: UInt16, isUnknown: Bool) {
        let link = Link(index: 2, name: "x", hardware: hardware)
        let plan = DevicePlan(Self.table([link]), InterfaceFilter())
        #expect(plan.unreadable.isEmpty != isUnknown)
        #expect(plan.attached.isEmpty == isUnknown)
        #expect(plan.watched.isEmpty == isUnknown)
    }

    @Test(
        "patterns",
        arguments: [
            ("eth*", "eth0", true), ("eth*", "veth0", false), ("*", "", true), ("e?h0", "eth0", true), ("e?h0", "eh0", false),
            ("*a*b*c", "xxaxxbxxc", true), ("*a*b*c", "xxaxxbxx", false), ("", "", true), ("", "a", false), ("v*.*", "veth.12", true),
        ])
    func globs(pattern: String, name: String, matches: Bool) {
        #expect(InterfacePattern.glob(pattern).matches(name) == matches)
    }

    @Test("auto takes sockets where nothing is forwarded, else devices, and says why")
    func auto() throws {
        var facts = HostFacts(cgroupRoot: .success(CgroupRoot(path: "/sys/fs/cgroup")))
        #expect(try SourceChoice(CapturePlan(), facts).source == .cgroup)
        facts.forwarding = ["net.ipv4.ip_forward"]
        let choice = try SourceChoice(CapturePlan(), facts)
        #expect(choice.source == .tc)
        #expect(choice.notTaken.first?.reason == "this host forwards packets (net.ipv4.ip_forward is 1), which sockets do not see")
        var plan = CapturePlan()
        plan.source = .cgroup
        #expect(try SourceChoice(plan, facts).source == .cgroup)
        plan.interfaces.include = [.exact("eth0")]
        #expect(throws: CaptureError.self) { try SourceChoice(plan, facts) }
    }

    @Test("auto goes on to the next source where it is refused or has no right, says why, and names everything when nothing is left")
    func refusals() throws {
        func reasons(_ choice: SourceChoice) -> [String] { choice.notTaken.map { "\($0.source.rawValue): \($0.reason)" } }
        let loading: UInt64 = 1 << 38 | 1 << 39
        let (attach, packets) = (Capabilities(bits: loading | 1 << 12), Capabilities(bits: loading | 1 << 13))
        var facts = HostFacts(cgroupRoot: .success(CgroupRoot(path: "/sys/fs/cgroup")))
        facts.rights = attach
        #expect(try SourceChoice(CapturePlan(), facts).source == .cgroup)
        let noRaw = "packet sockets take CAP_NET_RAW, which the process does not have"
        #expect(try reasons(SourceChoice(CapturePlan(), facts)).last == "socket: \(noRaw)")
        facts.refused = [SourceChoice.Turned(source: .cgroup, reason: "no")]
        #expect(try SourceChoice(CapturePlan(), facts).source == .tc)
        #expect(try reasons(SourceChoice(CapturePlan(), facts)) == ["cgroup: no", "socket: \(noRaw)"])
        facts.refused.append(SourceChoice.Turned(source: .tc, reason: "never"))
        let error = #expect(throws: CaptureError.self) { try SourceChoice(CapturePlan(), facts) }
        #expect(error?.found == "cgroup: no; tc: never; socket: \(noRaw)")
        facts.rights = Capabilities(bits: attach.bits | packets.bits)
        #expect(try SourceChoice(CapturePlan(), facts).source == .socket)
        #expect(try reasons(SourceChoice(CapturePlan(), facts)) == ["cgroup: no", "tc: never"])
        // Who may not attach need not try.
        facts = HostFacts(cgroupRoot: .success(CgroupRoot(path: "/sys/fs/cgroup")))
        facts.rights = packets
        let choice = try SourceChoice(CapturePlan(), facts)
        #expect(choice.source == .socket)
        let noAdmin = "attaching takes CAP_NET_ADMIN, which the process does not have"
        #expect(reasons(choice) == ["cgroup: \(noAdmin)", "tc: \(noAdmin)"])
        // What the configuration names is not weighed, but it must be possible.
        var plan = CapturePlan()
        plan.source = .socket
        #expect(try SourceChoice(plan, facts).source == .socket)
        facts.rights = attach
        #expect(throws: CaptureError.self) { try SourceChoice(plan, facts) }
        // `weir explain` asks as any user.
        facts.rights = nil
        #expect(try SourceChoice(plan, facts).source == .socket)
    }

    @Test("only a cgroup2 mount that shows inode 1 is the root")
    func cgroupRoot() throws {
        let mounts = """
            30 23 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro
            31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw
            """
        #expect(try CgroupRoot.choose(mounts: mounts) { _ in 1 }.get().path == "/sys/fs/cgroup/unified")
        #expect(throws: CaptureError.self) { try CgroupRoot.choose(mounts: mounts) { _ in 2 }.get() }
        #expect(throws: CaptureError.self) { try CgroupRoot.choose(mounts: "") { _ in 1 }.get() }
    }

}

extension Array where Element: Hashable {
    fileprivate var set: Set<Element> { Set(self) }
}

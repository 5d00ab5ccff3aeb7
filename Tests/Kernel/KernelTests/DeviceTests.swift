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
        #expect(unseenPaths(table).filter { $0.contains("tunnel") }.map { $0.prefix(4) } == ["tun0"])
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

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CKernelTests
import Glibc
import Netlink
import PacketFrames
import Testing
import WeirCapture
import WeirKit

extension KernelTests {
    @Suite(.serialized)
    struct Tunnels {
        static let me = address("10.4.5.6")
        static let other = address("10.1.2.3")

        /// Whether a frame of 10.1.2.3 to 10.4.5.6 counts, or is left out as the outside of a tunnel; nil for anything else.
        static func counts(_ runner: borrowing ProgramRunner, _ frame: Frame, _ program: String = "weir_uplink_eth") throws -> Bool? {
            let outcome = try runner.run(frame, program: program)
            if outcome.rows.count == 1, outcome.book[.tunnel].packets == 0 { return true }
            return outcome.rows.isEmpty && outcome.book[.tunnel] == outcome.book.seen ? false : nil
        }

        @Test("the outside of a tunnel is what its end says, and nothing else", arguments: [true, false])
        func outside(ports: Bool) throws {
            var plan = CapturePlan()
            (plan.ports, plan.transport) = (ports, ports)
            let runner = try ProgramRunner(plan)
            let inside = Frame.udp(1, 2).ipv4(17).ethernet(0x800)
            let vxlan = inside.vxlan().inUDP(50_000, 4789).ipv4(17).ethernet(0x800)
            let gre = inside.gre(0x6558).ipv4(47).ethernet(0x800)
            // No tunnel yet.
            #expect(try Self.counts(runner, vxlan) == true)
            runner.tunnel(TunnelEnd(local: Self.me, kind: 4789, transport: 17))
            runner.tunnel(TunnelEnd(local: Self.me, remote: Self.other, kind: 0x6558, transport: 47))
            #expect(try Self.counts(runner, vxlan) == false)
            #expect(try Self.counts(runner, vxlan, "weir_port_eth") == false)
            #expect(try Self.counts(runner, gre) == false)
            // Made here it would come from 10.4.5.6.
            #expect(try Self.counts(runner, vxlan, "weir_out_eth") == true)
            #expect(try Self.counts(runner, gre, "weir_out_eth") == true)
            // Another port, the port at the wrong side, another transport, what is in another family, layer 3 in GRE.
            #expect(try Self.counts(runner, inside.vxlan().inUDP(50_000, 4790).ipv4(17).ethernet(0x800)) == true)
            #expect(try Self.counts(runner, inside.vxlan().inUDP(4789, 50_000).ipv4(17).ethernet(0x800)) == true)
            #expect(try Self.counts(runner, Frame.tcp(50_000, 4789).ipv4(6).ethernet(0x800)) == true)
            #expect(try Self.counts(runner, inside.vxlan().inUDP(50_000, 4789).ipv6(17).ethernet(0x86dd)) == true)
            #expect(try Self.counts(runner, Frame.udp(1, 2).ipv4(17).gre(0x800).ipv4(47).ethernet(0x800)) == true)
            // Too short for the header, and a fragment that has none.
            #expect(try Self.counts(runner, Frame.payload(3).ipv4(17).ethernet(0x800)) == true)
            #expect(try Self.counts(runner, inside.vxlan().inUDP(50_000, 4789).ipv4(17, fragment: 1).ethernet(0x800)) == true)
            // GRE from elsewhere, until the tunnel takes it from anyone.
            runner.tunnel(TunnelEnd(local: Self.me, remote: Self.other, kind: 0x6558, transport: 47), false)
            runner.tunnel(TunnelEnd(local: Self.me, remote: address("10.9.9.9"), kind: 0x6558, transport: 47))
            #expect(try Self.counts(runner, gre) == true)
            runner.tunnel(TunnelEnd(local: Self.me, kind: 0x6558, transport: 47))
            #expect(try Self.counts(runner, gre) == false)
            runner.tunnel(TunnelEnd(local: Self.other, kind: 4789, transport: 17))
            #expect(try Self.counts(runner, vxlan, "weir_out_eth") == false)
        }

        @Test("the outside of IP in IP, and of GRE without Ethernet", arguments: [true, false])
        func layer3(ports: Bool) throws {
            var plan = CapturePlan()
            (plan.ports, plan.transport) = (ports, ports)
            let runner = try ProgramRunner(plan)
            let four = Frame.udp(1, 2).ipv4(17)
            let six = Frame.udp(1, 2).ipv6(17)
            let frames: [(name: String, frame: Frame, end: TunnelEnd)] = [
                ("IPv4 in IPv4", four.ipv4(4).ethernet(0x800), TunnelEnd(local: Self.me, remote: Self.other, kind: 0, transport: 4)),
                ("IPv6 in IPv4", six.ipv4(41).ethernet(0x800), TunnelEnd(local: Self.me, remote: Self.other, kind: 0, transport: 41)),
                ("GRE around IPv4", four.gre(0x800).ipv4(47).ethernet(0x800), TunnelEnd(local: Self.me, kind: 0x800, transport: 47)),
                ("GRE around IPv6", six.gre(0x86dd).ipv4(47).ethernet(0x800), TunnelEnd(local: Self.me, kind: 0x86dd, transport: 47)),
            ]
            for (name, frame, end) in frames {
                for (other, _, end) in frames where other != name { runner.tunnel(end) }
                #expect(try Self.counts(runner, frame) == true, "\(name), others known")
                runner.tunnel(end)
                #expect(try Self.counts(runner, frame) == false, "\(name)")
                #expect(try Self.counts(runner, frame, "weir_out_eth") == true, "\(name), from the other end")
                for (_, _, end) in frames { runner.tunnel(end, false) }
                // From anyone, then from someone else.
                runner.tunnel(TunnelEnd(local: end.local, kind: end.kind, transport: end.transport))
                #expect(try Self.counts(runner, frame) == false, "\(name), from anyone")
                runner.tunnel(TunnelEnd(local: end.local, kind: end.kind, transport: end.transport), false)
                runner.tunnel(TunnelEnd(local: end.local, remote: address("10.9.9.9"), kind: end.kind, transport: end.transport))
                #expect(try Self.counts(runner, frame) == true, "\(name), from someone else")
                runner.tunnel(TunnelEnd(local: end.local, remote: address("10.9.9.9"), kind: end.kind, transport: end.transport), false)
            }
            // ip6tnl puts an option in front of what it carries.
            let limited = four.extended(next: 4).ipv6(60).ethernet(0x86dd)
            #expect(try Self.counts(runner, limited) == true)
            runner.tunnel(TunnelEnd(local: address("2001:db8::2"), kind: 0, transport: 4))
            #expect(try Self.counts(runner, limited) == false)
        }

        @Test("what another device sends through this host is no end of ours")
        func through() throws {
            let runner = try ProgramRunner()
            let vxlan = Frame.udp(1, 2).ipv4(17).ethernet(0x800).vxlan().inUDP(50_000, 4789).ipv4(17).ethernet(0x800)
            for local in [Self.me, Self.other] { runner.tunnel(TunnelEnd(local: local, kind: 4789, transport: 17)) }
            let outcome = try runner.run(vxlan, program: "weir_out_eth", test_context(ifindex: 0, ingress_ifindex: 8, gso_size: 0, gso_segs: 0))
            #expect(outcome.rows.count == 1)
        }

        @Test("netlink says how a tunnel looks from outside")
        func netlink() throws {
            let wire = try Wire()
            try OnTheWire.tunnel(wire)
            _ = try wire.left.exec(
                "ip link add vx1 type vxlan dstport 8472 external; ip link add vx6 type vxlan id 3 local fd09::1 remote fd09::2 dstport 4")
            try wire.left.run {
                let links = try LinkWatch().table.links.values
                func tunnel(_ name: String) -> Link.Tunnel? { links.first { $0.name == name }?.tunnel }
                #expect(tunnel("vx0") == Link.Tunnel(transport: 17, port: 4789, local: address("10.9.0.1")))
                #expect(tunnel("vx1") == Link.Tunnel(transport: 17, port: 8472))
                #expect(tunnel("vx6") == Link.Tunnel(transport: 17, port: 4, local: address("fd09::1")))
                #expect(tunnel("w0") == nil)
            }
        }

        /// container ─ veth ─ left ─ VXLAN over the wire ─ right. 30 datagrams of 128 bytes each way, from left and from the container;
        /// around each are 50 bytes.
        struct Overlay: ~Copyable {
            let wire: Wire
            let container: Namespace
            static let datagrams = Amount(bytes: 30 * 128, packets: 30)

            init() throws {
                let wire = try Wire()
                let container = try Namespace("cont")
                try OnTheWire.tunnel(wire)
                _ = try wire.left.exec(
                    """
                    sysctl -qw net.ipv4.ip_forward=1; ip link add p1 type veth peer name c0 netns \(container.name)
                    ip addr add 10.8.0.1/32 dev p1; ip link set p1 up; ip route add 10.8.0.2/32 dev p1; ip addr add 10.9.0.77/24 dev w0
                    """)
                _ = try container.exec("ip addr add 10.8.0.2/32 dev c0; ip link set c0 up; ip route add default dev c0 onlink via 10.8.0.1")
                _ = try wire.right.exec(
                    "ip route add 10.8.0.0/24 via 10.7.0.1; for a in 10.7.0.2 10.9.0.2; do \(generator) hold $a >/dev/null 2>&1 & done; sleep 0.2")
                _ = try wire.left.exec("\(generator) hold 10.7.0.1 >/dev/null 2>&1 &")
                _ = try container.exec("\(generator) hold 10.8.0.2 >/dev/null 2>&1 & sleep 0.2; ping -q -c 2 -i 0.1 10.7.0.2")
                self.wire = wire
                self.container = container
            }

            func talk() throws {
                for (from, to) in [("10.7.0.1", "10.7.0.2"), ("10.9.0.77", "10.9.0.2")] {
                    _ = try wire.left.exec("\(generator) sock \(from) \(to) 3 100 0 0 10")
                }
                _ = try container.exec("\(generator) sock 10.8.0.2 10.7.0.2 3 100 0 0 10")
                for to in ["10.7.0.1", "10.8.0.2"] { _ = try wire.right.exec("\(generator) sock 10.7.0.2 \(to) 3 100 0 0 10") }
                // The tunnel's port, between addresses that are not its own.
                try wire.left.run { #expect(unsafe test_udp_stray("10.9.0.77", "10.9.0.2", 4789, 10) == 0) }
                usleep(100_000)
            }

            static func between(_ tally: Tally, _ from: String, _ to: String, _ port: UInt16 = 9999) -> Amount {
                tally.amount { $0.source == address(from) && $0.destination == address(to) && $0.destinationPort == port }
            }
        }

        static func expectInner(_ tally: Tally) {
            for (from, to) in [
                ("10.7.0.1", "10.7.0.2"), ("10.8.0.2", "10.7.0.2"), ("10.7.0.2", "10.7.0.1"), ("10.7.0.2", "10.8.0.2"), ("10.9.0.77", "10.9.0.2"),
            ] {
                #expect(Overlay.between(tally, from, to) == Overlay.datagrams, "\(from) to \(to)")
            }
            for (from, to) in [("10.9.0.1", "10.9.0.2"), ("10.9.0.2", "10.9.0.1")] {
                #expect(Overlay.between(tally, from, to, 4789) == Amount(), "around, \(from) to \(to)")
            }
            #expect(Overlay.between(tally, "10.9.0.77", "10.9.0.2", 4789).packets == 10)
            // Four times 30, and what ARP had to say in between.
            let outside = tally.book[.tunnel]
            #expect((120..<140).contains(outside.packets))
            #expect(outside.bytes >= 120 * 178)
        }

        static func expectOuter(_ tally: Tally) {
            for (from, to) in [("10.9.0.1", "10.9.0.2"), ("10.9.0.2", "10.9.0.1")] {
                let outside = Overlay.between(tally, from, to, 4789)
                #expect((60..<70).contains(outside.packets) && outside.bytes >= 60 * 178, "around, \(from) to \(to)")
            }
            for (from, to) in [("10.7.0.1", "10.7.0.2"), ("10.7.0.2", "10.7.0.1"), ("10.7.0.2", "10.8.0.2")] {
                #expect(Overlay.between(tally, from, to) == Amount(), "\(from) to \(to)")
            }
            // It entered at the container's device.
            #expect(Overlay.between(tally, "10.8.0.2", "10.7.0.2") == Overlay.datagrams)
            #expect(tally.book[.tunnel] == Amount())
        }

        @Test("each packet in a tunnel counts once and those around it not, or the other way round, also after a reload", arguments: Traffic.ways)
        func once(way: CapturePlan) throws {
            let overlay = try Overlay()
            try overlay.wire.left.run {
                var plan = way
                var capture = try Capture.start(plan, log: quiet)
                #expect(capture.facts.interfaces.map(\.name).sorted() == ["p1", "vx0", "w0"])
                for side in [TunnelSide.inner, .outer, .inner] {
                    plan.tunnels = side
                    _ = try capture.replace(with: plan) { _ in }
                    try overlay.talk()
                    var tally = Tally()
                    try tally.drain(&capture, keep: true)
                    if side == .inner { Self.expectInner(tally) } else { Self.expectOuter(tally) }
                }
                // A tunnel that goes is no end any more, and one that comes is.
                _ = try overlay.wire.left.exec("ip link set vx0 down")
                _ = capture.wait(until: .now + .milliseconds(100))
                #expect(capture.facts.interfaces.map(\.name).sorted() == ["p1", "w0"])
                _ = try overlay.wire.left.exec("ip link set vx0 up; ip addr replace 10.7.0.1/24 dev vx0; ping -q -c 2 -i 0.1 10.7.0.2")
                _ = capture.wait(until: .now + .milliseconds(100))
                var before = Tally()
                try before.drain(&capture)
                try overlay.talk()
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                Self.expectInner(tally)
                capture.detach()
            }
        }
    }
}

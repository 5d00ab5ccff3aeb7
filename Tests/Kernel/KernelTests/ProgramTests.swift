// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CKernelTests
import CWeirCapture
import PacketFrames
import Testing
import WeirCapture
import WeirKit
import WeirTesting

extension KernelTests {
    @Suite(.serialized)
    struct Programs {
        static let v4 = "10.1.2.3:1000>10.4.5.6:80"
        static let v6 = "2001:db8::1:1000>2001:db8::2:80"

        /// What one frame counts as at the uplink.
        struct Case: CustomTestStringConvertible, Sendable {
            var testDescription: String
            var frame: Frame
            var flow: String
            var context = test_context()
            init(_ name: String, _ frame: Frame, _ flow: String, gso: (size: UInt32, segments: UInt32)? = nil) {
                testDescription = name
                self.frame = frame
                self.flow = flow
                if let gso { context = test_context(ifindex: 0, ingress_ifindex: 0, gso_size: gso.size, gso_segs: gso.segments) }
            }
        }

        static let cases = [
            Case("UDP", Frame.udp(1000, 80, payload: 12).ipv4(17).ethernet(0x800), "\(v4)/17 40/1 @0"),
            Case("TCP", Frame.tcp(1000, 80, payload: 100).ipv4(6).ethernet(0x800), "\(v4)/6 140/1 @0"),
            Case("TCP over IPv6", Frame.tcp(1000, 80, payload: 100).ipv6(6).ethernet(0x86dd), "\(v6)/6 160/1 @0"),
            Case("UDP over IPv6", Frame.udp(1000, 80, payload: 1).ipv6(17).ethernet(0x86dd), "\(v6)/17 49/1 @0"),
            Case("an ACK padded to 60 bytes", Frame.tcp(1000, 80).ipv4(6).ethernet(0x800, padding: 6), "\(v4)/6 40/1 @0"),
            Case("padding behind IPv6", Frame.udp(1000, 80).ipv6(17).ethernet(0x86dd, padding: 9), "\(v6)/17 48/1 @0"),
            Case("SCTP", Frame.udp(1000, 80, payload: 4).ipv4(132).ethernet(0x800), "\(v4)/132 32/1 @0"),
            Case("DCCP", Frame.udp(1000, 80, payload: 4).ipv4(33).ethernet(0x800), "\(v4)/33 32/1 @0"),
            Case("UDP-Lite", Frame.udp(1000, 80).ipv4(136).ethernet(0x800), "\(v4)/136 28/1 @0"),
            Case("ICMP echo", Frame.icmp(type: 8, code: 3).ipv4(1).ethernet(0x800), "10.1.2.3:8>10.4.5.6:3/1 32/1 @0"),
            Case("ICMPv6", Frame.icmp(type: 128, code: 1).ipv6(58).ethernet(0x86dd), "2001:db8::1:128>2001:db8::2:1/58 52/1 @0"),
            Case("GRE has no ports", Frame.payload(30).ipv4(47).ethernet(0x800), "10.1.2.3:0>10.4.5.6:0/47 50/1 @0"),
            Case("IPv4 options", Frame.udp(1000, 80).ipv4(17, options: 12).ethernet(0x800), "\(v4)/17 40/1 @0"),
            Case("the longest IPv4 header", Frame.udp(1000, 80).ipv4(17, options: 40).ethernet(0x800), "\(v4)/17 68/1 @0"),
            Case("a first fragment", Frame.udp(1000, 80, payload: 8).ipv4(17, fragment: 0x2000).ethernet(0x800), "\(v4)/17 36/1 @0"),
            Case("a later fragment has no ports", Frame.payload(16).ipv4(17, fragment: 0x2001).ethernet(0x800), "10.1.2.3:0>10.4.5.6:0/17 36/1 @0"),
            Case("a cut transport header", Frame.payload(2).ipv4(6).ethernet(0x800), "10.1.2.3:0>10.4.5.6:0/6 22/1 @0"),
            Case("no transport header at all", Frame.payload(0).ipv4(6).ethernet(0x800), "10.1.2.3:0>10.4.5.6:0/6 20/1 @0"),
            Case("a frame shorter than it says", Frame.udp(1000, 80).ipv4(17, length: 999).ethernet(0x800), "\(v4)/17 28/1 @0"),
            Case("total length 0", Frame.udp(1000, 80, payload: 5).ipv4(17, length: 0).ethernet(0x800), "\(v4)/17 33/1 @0"),
            Case("hop-by-hop", Frame.udp(1000, 80).extended(next: 17, units: 1).ipv6(0).ethernet(0x86dd), "\(v6)/17 64/1 @0"),
            Case(
                "routing, destination, authentication",
                Frame.udp(1000, 80).authenticated(next: 17).extended(next: 51).extended(next: 60).ipv6(43).ethernet(0x86dd),
                "\(v6)/17 88/1 @0"),
            Case("a first IPv6 fragment", Frame.udp(1000, 80).fragmented6(next: 17, offset: 0).ipv6(44).ethernet(0x86dd), "\(v6)/17 56/1 @0"),
            Case(
                "a later IPv6 fragment", Frame.payload(8).fragmented6(next: 17, offset: 1).ipv6(44).ethernet(0x86dd),
                "2001:db8::1:0>2001:db8::2:0/17 56/1 @0"),
            Case("authentication in IPv4", Frame.tcp(1000, 80).authenticated(next: 6).ipv4(51).ethernet(0x800), "\(v4)/6 64/1 @0"),
            Case(
                "authentication around a packet", Frame.udp(1, 2).ipv4(17).authenticated(next: 4).ipv4(51).ethernet(0x800),
                "10.1.2.3:0>10.4.5.6:0/4 72/1 @0"),
            Case("ESP", Frame.payload(40).ipv4(50).ethernet(0x800), "10.1.2.3:0>10.4.5.6:0/50 60/1 @0"),
            Case("ESP over IPv6", Frame.payload(40).ipv6(50).ethernet(0x86dd), "2001:db8::1:0>2001:db8::2:0/50 80/1 @0"),
            Case("IGMP behind router alert", Frame.payload(8).ipv4(2, options: 4).ethernet(0x800), "10.1.2.3:0>10.4.5.6:0/2 32/1 @0"),
            Case(
                "mobility is its own message", Frame.payload(0).extended(next: 59).ipv6(135).ethernet(0x86dd),
                "2001:db8::1:0>2001:db8::2:0/135 48/1 @0"),
            Case(
                "HIP behind hop-by-hop", Frame.payload(0).extended(next: 59, units: 4).extended(next: 139).ipv6(0).ethernet(0x86dd),
                "2001:db8::1:0>2001:db8::2:0/139 88/1 @0"),
            Case("Shim6 carries what follows", Frame.udp(1000, 80).extended(next: 17).ipv6(140).ethernet(0x86dd), "\(v6)/17 56/1 @0"),
            Case(
                "a mobility header with something behind it", Frame.udp(1000, 80).extended(next: 17).ipv6(135).ethernet(0x86dd),
                "\(v6)/17 56/1 @0"),
            Case("nothing behind hop-by-hop", Frame.payload(0).extended(next: 59).ipv6(0).ethernet(0x86dd), "2001:db8::1:0>2001:db8::2:0/59 48/1 @0"),
            Case("eight extensions", Sample.chain(8, [60]).frame.ipv6(60).ethernet(0x86dd), "\(v6)/17 112/1 @0"),
            Case("one too many", Sample.chain(9, [60]).frame.ipv6(60).ethernet(0x86dd), "2001:db8::1:0>2001:db8::2:0/60 120/1 @0"),
            Case("a jumbogram", Frame.udp(1000, 80).extended(next: 17).ipv6(0, length: 0).ethernet(0x86dd), "\(v6)/17 56/1 @0"),
            Case("nothing behind IPv6", Frame.payload(0).ipv6(59).ethernet(0x86dd, padding: 6), "2001:db8::1:0>2001:db8::2:0/59 40/1 @0"),
            Case("one VLAN tag", Frame.udp(1000, 80).ipv4(17).ethernet(0x800, tags: [0x8100]), "\(v4)/17 28/1 @0"),
            Case("two VLAN tags", Frame.udp(1000, 80).ipv4(17).ethernet(0x800, tags: [0x88a8, 0x8100]), "\(v4)/17 28/1 @0"),
            // L + (n − 1) × H: 3040 + 2 × 40.
            Case("TCP segments", Frame.tcp(1000, 80, payload: 3000).ipv4(6).ethernet(0x800), "\(v4)/6 3120/3 @0", gso: (1000, 3)),
            Case("TCP segments, uncounted", Frame.tcp(1000, 80, payload: 3001).ipv4(6).ethernet(0x800), "\(v4)/6 3161/4 @0", gso: (1000, 0)),
            Case("TCP options repeat", Frame.tcp(1000, 80, options: 12, payload: 2000).ipv4(6).ethernet(0x800), "\(v4)/6 2104/2 @0", gso: (1000, 2)),
            Case("TCP segments over IPv6", Frame.tcp(1000, 80, payload: 2000).ipv6(6).ethernet(0x86dd), "\(v6)/6 2120/2 @0", gso: (1000, 0)),
            Case("UDP segments", Frame.udp(1000, 80, payload: 2500).ipv4(17).ethernet(0x800), "\(v4)/17 2584/3 @0", gso: (1000, 0)),
            Case("UDP segments over IPv6", Frame.udp(1000, 80, payload: 2500).ipv6(17).ethernet(0x86dd), "\(v6)/17 2644/3 @0", gso: (1000, 3)),
            Case("a segment that is alone", Frame.tcp(1000, 80, payload: 10).ipv4(6).ethernet(0x800), "\(v4)/6 50/1 @0", gso: (1000, 0)),
            // Of the super-packet alone: 40 + 8 + 20 + 3000. On the wire three of 60 and 3000.
            Case(
                "BIG TCP", Frame.tcp(1000, 80, payload: 3000).jumbo(next: 6).ipv6(0, length: 0).ethernet(0x86dd), "\(v6)/6 3180/3 @0",
                gso: (1000, 3)),
            Case("SCTP says its number", Frame.udp(1000, 80, payload: 92).ipv4(132).ethernet(0x800), "\(v4)/132 184/3 @0", gso: (0xffff, 3)),
        ]

        /// Two segments of 1000 bytes in a tunnel: L + H, with H up to the end of the inner TCP header (32 bytes).
        static let tunnelled: [Case] = {
            let tcp = Frame.tcp(5, 6, options: 12, payload: 2000)
            let (four, six) = (tcp.ipv4(6), tcp.ipv6(6))
            let frame = four.ethernet(0x800)
            var cases: [Case] = []
            func add(_ name: String, _ packet: Frame, _ flow: String, _ headers: [Int]) {
                let bytes = headers.reduce(2000) { $0 + 2 * $1 }
                cases.append(Case(name, packet, "\(flow) \(bytes)/2 @0", gso: (1000, 0)))
            }
            add("VXLAN", frame.vxlan().inUDP(1000, 80).ipv4(17).ethernet(0x800), "\(v4)/17", [20, 8, 8, 14, 20, 32])
            add("VXLAN over IPv6", frame.vxlan().inUDP(1000, 80).ipv6(17).ethernet(0x86dd), "\(v6)/17", [40, 8, 8, 14, 20, 32])
            add("Geneve, options", frame.geneve(words: 5).inUDP(1000, 80).ipv4(17).ethernet(0x800), "\(v4)/17", [20, 8, 28, 14, 20, 32])
            add("GRE with a key", six.gre(0x86dd, flags: 0x20).ipv4(47).ethernet(0x800), "10.1.2.3:0>10.4.5.6:0/47", [20, 8, 40, 32])
            add("IPIP", four.ipv4(4).ethernet(0x800), "10.1.2.3:0>10.4.5.6:0/4", [20, 20, 32])
            add("6in4", six.ipv4(41).ethernet(0x800), "10.1.2.3:0>10.4.5.6:0/41", [20, 40, 32])
            add("4in6 behind options", four.extended(next: 4).ipv6(60).ethernet(0x86dd), "2001:db8::1:0>2001:db8::2:0/4", [40, 8, 20, 32])
            add("datagrams are no tunnel", Frame.udp(1000, 80, payload: 2000).ipv4(17).ethernet(0x800), "\(v4)/17", [20, 8])
            return cases
        }()

        @Test("a frame counts as what it costs on a wire", arguments: cases + tunnelled)
        func frame(_ given: Case) throws {
            let runner = try ProgramRunner()
            #expect(try runner.run(given.frame, given.context).text == given.flow)
        }

        @Test("a packet socket counts a frame as tc does", arguments: cases + tunnelled)
        func packet(_ given: Case) throws {
            let runner = try ProgramRunner(source: .socket)
            #expect(try runner.run(given.frame, program: "weir_packet_uplink_eth", given.context).text == given.flow)
        }

        @Test("what is not a sound packet is seen and left out, with its bytes")
        func leftOut() throws {
            let runner = try ProgramRunner()
            let good = Frame.udp(1000, 80, payload: 20)
            let bad: [(String, Frame, NotCountedReason, UInt64)] = [
                ("ARP", Frame.payload(28).ethernet(0x806), .nonIP, 28),
                ("ARP in a VLAN", Frame.payload(28).ethernet(0x806, tags: [0x8100]), .nonIP, 28),
                ("three tags", good.ipv4(17).ethernet(0x800, tags: [0x8100, 0x8100, 0x8100]), .nonIP, 52),
                ("IPv4 with version 5", good.ipv4(17, version: 5).ethernet(0x800), .malformed, 48),
                ("IPv4 with IPv6's type", good.ipv4(17).ethernet(0x86dd), .malformed, 48),
                ("IPv6 with IPv4's type", good.ipv6(17).ethernet(0x800), .malformed, 68),
                ("a header of 16 bytes", good.ipv4(17, words: 4).ethernet(0x800), .malformed, 48),
                ("a header longer than the packet", Frame.payload(0).ipv4(17, words: 15).ethernet(0x800), .malformed, 20),
                ("a total below the header", good.ipv4(17, length: 19).ethernet(0x800), .malformed, 48),
                ("too short for IPv4", Frame.payload(19).ethernet(0x800, tags: [0x8100]), .malformed, 19),
                ("too short for IPv6", Frame.payload(39).ethernet(0x86dd, tags: [0x8100]), .malformed, 39),
                ("nothing behind the tag", Frame.payload(1).ethernet(0x800, tags: [0x8100]), .malformed, 1),
                ("half a tag", Frame.payload(2).ethernet(0x8100), .nonIP, 2),
            ]
            for (name, frame, reason, bytes) in bad {
                let outcome = try runner.run(frame)
                #expect(outcome.rows.isEmpty, "\(name)")
                #expect(outcome.book[reason] == Amount(bytes: bytes, packets: 1), "\(name): \(outcome.book.notCounted)")
                #expect(outcome.book.seen == Amount(bytes: bytes, packets: 1), "\(name)")
            }
        }

        @Test("egress counts what was made here or came from where nobody looks")
        func egressRule() throws {
            let runner = try ProgramRunner()
            let frame = Frame.udp(1000, 80).ipv4(17).ethernet(0x800)
            runner.watch(7)
            let made = try runner.run(frame, program: "weir_out_eth")
            #expect(made.text == "\(Self.v4)/17 28/1 @\(FLOW_MADE.rawValue)")
            let through = try runner.run(frame, program: "weir_out_eth", test_context(ifindex: 0, ingress_ifindex: 8, gso_size: 0, gso_segs: 0))
            #expect(through.text == "\(Self.v4)/17 28/1 @\(FLOW_THROUGH.rawValue)")
            let again = try runner.run(frame, program: "weir_out_eth", test_context(ifindex: 0, ingress_ifindex: 7, gso_size: 0, gso_segs: 0))
            #expect(again.rows.isEmpty)
            #expect(again.book[.duplicate] == Amount(bytes: 28, packets: 1))
        }

        @Test("each hook marks its rows", arguments: [("weir_uplink_eth", 0), ("weir_port_eth", 1), ("weir_out_eth", 2)])
        func hooks(program: String, hook: Int) throws {
            let runner = try ProgramRunner()
            let outcome = try runner.run(Frame.udp(1000, 80).ipv4(17).ethernet(0x800), program: program)
            #expect(outcome.rows.first.map { Int($0.hook) } == hook)
        }

        @Test("socket hooks count with the owner", arguments: [("weir_socket_out", 4), ("weir_socket_in", 5)])
        func sockets(program: String, hook: Int) throws {
            var plan = CapturePlan()
            plan.owner = true
            let runner = try ProgramRunner(plan, source: .cgroup)
            let outcome = try runner.run(Frame.udp(1000, 80, payload: 4).ipv4(17).ethernet(0x800), program: program)
            #expect(outcome.text == "\(Self.v4)/17 32/1 @\(hook)")
            #expect(outcome.rows.first?.cgroup != 0)
        }

        @Test("a projection leaves out what nobody asked for and counts the same")
        func projections() throws {
            let frames = [Frame.udp(1000, 80), Frame.udp(1001, 80), Frame.udp(1002, 81)].map { $0.ipv4(17).ethernet(0x800) }
            for (ports, transport, rows, text) in [(true, true, 3, ""), (false, true, 1, "/17 84/3"), (false, false, 1, "/0 84/3")] {
                var plan = CapturePlan()
                plan.ports = ports
                plan.transport = transport
                let runner = try ProgramRunner(plan)
                for frame in frames { try runner.feed(frame) }
                let outcome = try runner.drain()
                #expect(outcome.rows.count == rows)
                if rows == 1 { #expect(outcome.text == "10.1.2.3:0>10.4.5.6:0\(text) @0") }
            }
        }

        @Test("handshake bits are kept when the initiator is asked for")
        func handshake() throws {
            var plan = CapturePlan()
            plan.initiator = true
            let runner = try ProgramRunner(plan)
            for (flags, expected) in [(UInt8(2), FLOW_SYN.rawValue), (18, FLOW_SYN_ACK.rawValue), (16, 0), (24, 0)] {
                let outcome = try runner.run(Frame.tcp(1000, 80, flags: flags).ipv4(6).ethernet(0x800))
                #expect(outcome.rows.first?.flags == expected, "flags \(flags)")
            }
            try runner.feed(Frame.tcp(1000, 80, flags: 16).ipv4(6).ethernet(0x800))
            try runner.feed(Frame.tcp(1000, 80, flags: 2).ipv4(6).ethernet(0x800))
            #expect(try runner.drain().rows.first?.flags == FLOW_SYN.rawValue)
        }

        @Test("kernel lengths are what other agents report")
        func kernelLengths() throws {
            var plan = CapturePlan()
            plan.countMode = .kernel
            let runner = try ProgramRunner(plan)
            let frame = Frame.tcp(1000, 80, payload: 3000).ipv4(6).ethernet(0x800)
            let outcome = try runner.run(frame, test_context(ifindex: 0, ingress_ifindex: 0, gso_size: 1000, gso_segs: 3))
            #expect(outcome.text == "\(Self.v4)/6 3054/1 @0")
        }

        @Test("a full map goes to the ring, a full ring to the book, and nothing is lost")
        func overflow() throws {
            var plan = CapturePlan()
            plan.maxFlows = 64
            plan.ringBytes = 4096
            let runner = try ProgramRunner(plan)
            for _ in 0..<2 {
                for port in 0..<400 { try runner.feed(Frame.udp(UInt16(port + 1), 80).ipv4(17).ethernet(0x800)) }
                let book = try runner.drain().book
                #expect(book.seen == Amount(bytes: 400 * 28, packets: 400))
                #expect(book.inMap.packets >= 64)
                #expect(book.inRing.packets > 20)
                #expect(book[.ringFull].packets >= 1)
                #expect(book[.mapFull].packets > 100)
            }
        }

        @Test("random frames balance", arguments: [SplitMix64.freshSeed])
        func random(seed: UInt64) throws {
            var random = SplitMix64(seed: seed)
            let programs = ["weir_uplink_eth", "weir_port_eth", "weir_out_eth", "weir_uplink_raw", "weir_out_raw"]
            var plan = CapturePlan()
            plan.initiator = true
            let runner = try ProgramRunner(plan)
            for _ in 0..<20_000 {
                var frame = Self.cases[Int(random.next() % UInt64(Self.cases.count))].frame
                for _ in 0..<random.next() % 4 {
                    frame.bytes[Int(random.next() % UInt64(frame.bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                }
                if random.next() % 4 == 0 {
                    // Behind a tag: an untagged frame without a whole IP header is refused before the program sees it.
                    frame.bytes.replaceSubrange(12..<12, with: [0x81, 0, 0, 1])
                    frame.bytes.removeLast(Int(random.next() % UInt64(frame.bytes.count - 18)))
                }
                let segmented = random.next() % 4 == 0
                let context = test_context(
                    ifindex: 0, ingress_ifindex: UInt32(random.next() % 3), gso_size: segmented ? UInt32(random.next() % 65_536) : 0,
                    gso_segs: segmented ? UInt32(random.next() % 5) : 0)
                try runner.feed(frame, programs[Int(random.next() % UInt64(programs.count))], context)
            }
            let outcome = try runner.drain()
            #expect(outcome.book.isBalanced, "seed \(seed)")
            #expect(outcome.book.seen.packets >= 20_000, "seed \(seed)")
        }
    }
}

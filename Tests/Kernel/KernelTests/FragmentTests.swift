// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CWeirCapture
import Glibc
import PacketFrames
import Testing
import WeirCapture
import WeirKit

extension KernelTests {
    @Suite(.serialized)
    struct Fragments {
        /// Bytes and packets by `SOURCE PORT>DESTINATION PORT/TRANSPORT`, and the orphans.
        static func sums(_ outcome: Outcome) -> [String: Amount] {
            outcome.rows.reduce(into: [:]) { $0["\($1.src_port)>\($1.dst_port)/\($1.protocol)", default: Amount()] += $1.amount }
        }

        /// An IPv4 fragment of eight bytes; `place` 0 is the first, which begins with `first`.
        static func four(_ place: UInt16, _ identification: UInt16, _ transport: UInt8 = 17, first: Frame = .udp(1000, 80)) -> Frame {
            let body = place == 0 ? first : Frame.payload(8)
            return body.ipv4(transport, fragment: 0x2000 | place, identification: identification).ethernet(0x800)
        }

        static func six(_ place: UInt16, _ identification: UInt16, next: UInt8 = 17, first: Frame = .udp(1000, 80)) -> Frame {
            let body = place == 0 ? first : Frame.payload(8)
            return body.fragmented6(next: next, offset: place, identification: identification).ipv6(44).ethernet(0x86dd)
        }

        @Test("later fragments have the ports of the first one of their datagram, and of no other")
        func joined() throws {
            let runner = try ProgramRunner()
            // Two datagrams with other ports, mixed; each fragment is 28 bytes.
            for frame in [
                Self.four(0, 1), Self.four(0, 2, first: .udp(2000, 90)), Self.four(1, 2), Self.four(1, 1), Self.four(2, 1), Self.four(2, 2),
                Self.four(3, 1),
            ] { try runner.feed(frame) }
            var outcome = try runner.drain()
            #expect(
                Self.sums(outcome) == ["1000>80/17": Amount(bytes: 4 * 28, packets: 4), "2000>90/17": Amount(bytes: 3 * 28, packets: 3)])
            #expect(outcome.book.orphanFragments == 0)
            // They are known beyond the drain. Another datagram, another transport, another direction are not.
            try runner.feed(Self.four(4, 1))
            try runner.feed(Self.four(4, 3))
            try runner.feed(Self.four(4, 1, 6))
            var back = Self.four(4, 1)
            back.bytes.replaceSubrange(26..<34, with: [10, 4, 5, 6, 10, 1, 2, 3])
            try runner.feed(back)
            outcome = try runner.drain()
            #expect(
                Self.sums(outcome) == [
                    "1000>80/17": Amount(bytes: 28, packets: 1), "0>0/17": Amount(bytes: 56, packets: 2), "0>0/6": Amount(bytes: 28, packets: 1),
                ])
            #expect(outcome.book.orphanFragments == 3)
        }

        @Test("IPv6: by addresses and identification, whatever a later fragment says that follows")
        func six() throws {
            let runner = try ProgramRunner()
            // The destination header is in the fragmented part: only the first one shows what is behind it.
            try runner.feed(Self.six(0, 1, next: 60, first: Frame.udp(1000, 80).extended(next: 17)))
            for frame in [Self.six(2, 1, next: 60), Self.six(3, 1, next: 17), Self.six(2, 2)] { try runner.feed(frame) }
            let outcome = try runner.drain()
            #expect(Self.sums(outcome) == ["1000>80/17": Amount(bytes: 64 + 56 + 56, packets: 3), "0>0/17": Amount(bytes: 56, packets: 1)])
            #expect(outcome.book.orphanFragments == 1)
        }

        @Test("what comes before the first one has no ports, what comes behind it has")
        func order() throws {
            let runner = try ProgramRunner()
            for frame in [Self.four(2, 1), Self.four(0, 1), Self.four(1, 1)] { try runner.feed(frame) }
            let outcome = try runner.drain()
            #expect(Self.sums(outcome) == ["0>0/17": Amount(bytes: 28, packets: 1), "1000>80/17": Amount(bytes: 56, packets: 2)])
            #expect(outcome.book.orphanFragments == 1)
        }

        @Test("ICMP's type and code, and the transport behind AH, go to later fragments too")
        func others() throws {
            let runner = try ProgramRunner()
            for frame in [Self.four(0, 1, 1, first: .icmp(type: 8, code: 3, payload: 4)), Self.four(1, 1, 1)] { try runner.feed(frame) }
            #expect(try Self.sums(runner.drain()) == ["8>3/1": Amount(bytes: 56, packets: 2)])
            for frame in [Self.four(0, 1, 51, first: Frame.udp(1000, 80).authenticated(next: 17)), Self.four(4, 1, 51)] { try runner.feed(frame) }
            #expect(try Self.sums(runner.drain()) == ["1000>80/17": Amount(bytes: 52 + 28, packets: 2)])
        }

        @Test("a flood of first fragments makes the oldest forgotten, and the latest stay")
        func bounded() throws {
            var plan = CapturePlan()
            plan.maxFlows = 65_536
            let runner = try ProgramRunner(plan)
            try runner.feed(Self.four(0, 1))
            for identification in UInt16(2)..<20_000 { try runner.feed(Self.four(0, identification)) }
            _ = try runner.drain()
            try runner.feed(Self.four(1, 1))
            try runner.feed(Self.four(1, 19_999))
            let outcome = try runner.drain()
            #expect(Self.sums(outcome) == ["0>0/17": Amount(bytes: 28, packets: 1), "1000>80/17": Amount(bytes: 28, packets: 1)])
            #expect(outcome.book.orphanFragments == 1)
        }

        @Test("without ports in the plan, and at sockets, nothing is remembered")
        func unwanted() throws {
            var plan = CapturePlan()
            plan.ports = false
            let runner = try ProgramRunner(plan)
            for place in UInt16(0)..<3 { try runner.feed(Self.four(place, 1)) }
            let outcome = try runner.drain()
            #expect(Self.sums(outcome) == ["0>0/17": Amount(bytes: 3 * 28, packets: 3)])
            #expect(outcome.book.orphanFragments == 0)
            let sockets = try ProgramRunner(source: .cgroup)
            try sockets.feed(Self.four(0, 1), "weir_socket_in")
            try sockets.feed(Self.four(1, 1), "weir_socket_in")
            #expect(try sockets.drain().book.orphanFragments == 0)
        }

        @Test("real datagrams larger than the wire's packets: no fragment is without ports", arguments: ["10.9.0", "fd09:"], Traffic.atDevices)
        func real(network: String, source: CaptureSource) throws {
            let wire = try Wire()
            let separator = network.contains(":") ? ":" : "."
            let (from, to) = ("\(network)\(separator)1", "\(network)\(separator)2")
            // Until the two know each other, what is sent may be dropped.
            _ = try wire.left.exec("ping -q -c 1 -w 5 \(to)")
            var capture = try wire.right.run { try Capture.start(Traffic.plan(source: source), log: quiet) }
            let sent = try Traffic.sent(try wire.left.exec("\(generator) sock \(from) \(to) 50 4000 0 0 20"))
            usleep(200_000)
            var tally = Tally()
            try tally.drain(&capture, keep: true)
            #expect(sent > 500)
            // 4008 bytes in three fragments.
            let headers: UInt64 = network.contains(":") ? 48 : 20
            let wanted = tally.amount { $0.destination == address(to) && $0.destinationPort == 9999 }
            #expect(wanted == Amount(bytes: sent * (4008 + 3 * headers), packets: 3 * sent))
            #expect(tally.rows.count { $0.destination == address(to) && $0.transport == 17 } == 50)
            #expect(tally.book.orphanFragments == 0)
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CKernelTests
import Glibc
import PacketFrames
import Testing
import WeirCapture
import WeirKit

extension KernelTests {
    /// The hooks see the whole machine, so each test looks at its own addresses and ports.
    @Suite(.serialized)
    struct Sockets {
        static func plan(ports: Bool = true) -> CapturePlan {
            var plan = CapturePlan()
            plan.source = .cgroup
            plan.ports = ports
            plan.owner = true
            plan.interfaces = InterfaceFilter(exclude: [])
            return plan
        }

        @Test("a same-host pair counts once, with both owners", arguments: [("10.9.0.1", UInt64(28)), ("fd09::1", 48)])
        func sameHost(address text: String, headers: UInt64) throws {
            let wire = try Wire()
            try wire.left.run {
                var capture = try Capture.start(Self.plan(), log: quiet)
                #expect(unsafe test_udp_pair(text, text, 7001, 50, 100) == 50)
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                let rows = tally.rows.filter { $0.destination == address(text) && $0.destinationPort == 7001 }
                #expect(tally.amount { $0.destinationPort == 7001 } == Amount(bytes: 50 * (100 + headers), packets: 50))
                #expect(rows.allSatisfy { $0.observer == .both && $0.sourceOwner != 0 && $0.sourceOwner == $0.destinationOwner })
                #expect(tally.book[.local].packets >= 50)
            }
        }

        @Test("what goes over lo can be left out")
        func withoutLoopback() throws {
            let wire = try Wire()
            try wire.left.run {
                var plan = Self.plan()
                plan.interfaces = InterfaceFilter()
                var capture = try Capture.start(plan, log: quiet)
                #expect(unsafe test_udp_pair("10.9.0.1", "10.9.0.1", 7001, 5, 100) == 5)
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                #expect(tally.rows.count { $0.destinationPort == 7001 } == 0)
                #expect(tally.book[.interface].packets >= 10)
            }
        }

        @Test("what sockets receive from elsewhere counts with the receiver's owner")
        func received() throws {
            let wire = try Wire()
            let station = try Traffic.station(wire.right)
            // Crafted frames: no socket of this host sent them.
            _ = try wire.right.exec("\(generator) hold 10.9.0.2 >/dev/null 2>&1 & sleep 0.2")
            var capture = try Capture.start(Self.plan(), log: quiet)
            _ = try wire.left.exec("\(generator) raw w0 \(station) 10.9.0.2 10 50 100 20000 0")
            usleep(100_000)
            var tally = Tally()
            try tally.drain(&capture, keep: true)
            let isOurs = { (flow: CapturedFlow) in flow.destinationPort == 9999 && flow.source.masked(to: 112) == address("10.100.0.0") }
            #expect(tally.amount(where: isOurs) == Amount(bytes: 500 * 128, packets: 500))
            #expect(tally.rows.filter(isOurs).allSatisfy { $0.observer == .destination && $0.destinationOwner != 0 })
        }

        /// What is sent to all and received by two.
        struct Group: CustomTestStringConvertible, Sendable {
            var testDescription: String
            var station: [UInt8]
            var destination: [UInt8]
            var joined: String?
        }
        static let groups = [
            Group(testDescription: "multicast", station: [1, 0, 0x5e, 7, 7, 7], destination: [239, 7, 7, 7], joined: "239.7.7.7"),
            Group(testDescription: "directed broadcast", station: Array(repeating: 255, count: 6), destination: [10, 9, 0, 255], joined: nil),
            Group(testDescription: "broadcast", station: Array(repeating: 255, count: 6), destination: [255, 255, 255, 255], joined: nil),
        ]

        @Test("one of two receivers counts", arguments: groups, [true, false])
        func receivers(group: Group, ports: Bool) throws {
            let wire = try Wire()
            try wire.right.run {
                let receivers = unsafe [test_udp_receiver(7002, group.joined), test_udp_receiver(7002, group.joined)]
                #expect(receivers.allSatisfy { $0 >= 0 })
                var capture = try Capture.start(Self.plan(ports: ports), log: quiet)
                let frame = Frame.udp(7001, 7002, payload: 100).ipv4(17).ethernet(0x800).readdressed(
                    station: group.station, source: [10, 9, 0, 77], destination: group.destination)
                try wire.left.run { #expect(unsafe test_send_frames("w0", frame.bytes, frame.bytes.count, 20) == 0) }
                usleep(50_000)
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                #expect(receivers.map { test_udp_received($0) } == [20, 20])
                #expect(tally.amount { $0.source == address("10.9.0.77") } == Amount(bytes: 20 * 128, packets: 20))
                #expect(tally.book[.copy].packets >= 20)
            }
        }

        @Test("every CPU sends and receives while generations change", arguments: [true, false])
        func everyCPU(ports: Bool) throws {
            let wire = try Wire()
            _ = try wire.right.exec("\(generator) hold 10.9.0.2 >/dev/null 2>&1 & sleep 0.2")
            _ = try wire.left.exec("for i in 3 4; do ip addr add 10.9.0.$i/24 dev w0; done")
            var capture = try Capture.start(Self.plan(ports: ports), log: quiet)
            #expect(capture.facts.shape.isPerCPU == !ports)
            let output = "/tmp/weir-t-out-\(getpid())"
            for i in [3, 4] {
                shell("ip netns exec \(wire.left.name) \(generator) sock 10.9.0.\(i) 10.9.0.2 100 50 3 >\(output)-\(i) 2>&1 &")
            }
            var tally = Tally()
            let end = ContinuousClock.now + .seconds(4)
            while ContinuousClock.now < end {
                _ = capture.wait(until: .now + .milliseconds(100))
                try tally.drain(&capture, keep: true)
            }
            for i in [3, 4] {
                let sent = try Traffic.sent(shell("cat \(output)-\(i); rm -f \(output)-\(i)").output)
                #expect(tally.amount { $0.source == address("10.9.0.\(i)") } == Amount(bytes: sent * 78, packets: sent))
            }
            #expect(tally.book.overflow.packets == 0)
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CKernelTests
import Glibc
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

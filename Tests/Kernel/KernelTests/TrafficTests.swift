// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CKernelTests
import Glibc
import Logging
import PacketFrames
import Testing
import WeirCapture
import WeirKit

/// A network namespace for one test, gone with it.
struct Namespace: ~Copyable {
    let name: String

    init(_ role: String) throws {
        name = "weir-t-\(role)-\(getpid())"
        shell("ip netns del \(name)")
        try #require(shell("ip netns add \(name)").status == 0)
        shell("ip -n \(name) link set lo up")
    }

    deinit { shell("for pid in $(ip netns pids \(name)); do kill -9 $pid; done; ip netns del \(name)") }

    /// Runs `body` on this thread inside of the namespace.
    func run<T: ~Copyable>(_ body: () throws -> T) throws -> T {
        let back = unsafe test_enter_namespace(name)
        try #require(back >= 0, "setns: \(back)")
        defer { test_leave_namespace(back) }
        return try body()
    }

    func exec(_ command: String) throws -> String {
        let (status, output) = shell("ip netns exec \(name) sh -c '\(command)'")
        try #require(status == 0, "\(command): \(output)")
        return output
    }
}

/// Two hosts on a wire: `left` sends, `right` receives. 10.9.0.1 and 10.9.0.2, fd09::1 and fd09::2.
struct Wire: ~Copyable {
    let left: Namespace
    let right: Namespace

    init(offloads: Bool = false) throws {
        let left = try Namespace("left")
        let right = try Namespace("right")
        let l = left.name
        let r = right.name
        let setup = """
            ip -n \(l) link add w0 type veth peer name w0 netns \(r) &&
            for i in 1 2; do n=\(l); [ $i = 2 ] && n=\(r);
              ip netns exec $n sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.w0.accept_dad=0;
              ip -n $n addr add 10.9.0.$i/24 dev w0; ip -n $n addr add fd09::$i/64 dev w0 nodad; ip -n $n link set w0 up;
              \(offloads ? "" : "ip netns exec $n ethtool -K w0 tso off gso off gro off tx off >/dev/null;")
            done
            """
        let (status, output) = shell(setup)
        try #require(status == 0, "\(output)")
        self.left = left
        self.right = right
    }
}

/// The generator, compiled once.
let generator: String = {
    let source = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let program = "/tmp/weir-t-gen-\(getpid())"
    let (status, output) = shell("clang -O2 -w -o \(program) /\(source)/Benchmarks/floor/generator/*.c")
    precondition(status == 0, output)
    return program
}()

/// What a capture handed over, added up, and its books.
struct Tally {
    var book = KernelBook()
    var flows = 0
    var amount = Amount()
    var rows: [CapturedFlow] = []
    var drains = 0

    mutating func drain(_ capture: inout Capture, keep: Bool = false) throws {
        var flows = 0
        var amount = Amount()
        var rows: [CapturedFlow] = []
        let more = try capture.drain { chunk in
            for index in chunk.indices {
                flows += 1
                amount += Amount(bytes: chunk[index].bytes, packets: chunk[index].packets)
                if keep { rows.append(chunk[index]) }
            }
        }
        #expect(more.isBalanced, "off by \(more.imbalance)")
        #expect(more.counted == amount)
        book += more
        self.flows += flows
        self.amount += amount
        self.rows += rows
        drains += 1
    }

    func amount(where test: (CapturedFlow) -> Bool) -> Amount {
        rows.filter(test).reduce(into: Amount()) { $0 += Amount(bytes: $1.bytes, packets: $1.packets) }
    }
}

extension Capture {
    /// With a bell of its own.
    static func start(_ plan: CapturePlan, log: Logger) throws(CaptureError) -> Capture {
        try start(plan, interruptor: CaptureInterruptor(), log: log)
    }
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

func address(_ text: String) -> IPAddress { IPAddress(text)! }

extension KernelTests {
    @Suite(.serialized)
    struct Traffic {
        /// Who shows a device's packets.
        static let atDevices: [CaptureSource] = [.tc, .socket]
        static let ways = [plan(.tcx), plan(.clsact), plan(source: .socket)]

        static func plan(_ flavor: DeviceFlavor = .tcx, source: CaptureSource = .tc) -> CapturePlan {
            var plan = CapturePlan()
            plan.source = source
            plan.flavor = flavor
            return plan
        }

        /// The link-layer address that frames to the right side carry.
        static func station(_ namespace: borrowing Namespace) throws -> String {
            try namespace.exec("cat /sys/class/net/w0/address").split(separator: "\n").first.map(String.init) ?? ""
        }

        /// `"packets":N` of the generator's line.
        static func sent(_ output: String) throws -> UInt64 {
            let digits = try #require(output.split(separator: "\"packets\":").last?.prefix { $0.isNumber })
            return try #require(UInt64(digits))
        }

        @Test("UDP flows are counted to the packet", arguments: [(10_000, DeviceFlavor.tcx), (10_000, .clsact), (100_000, .tcx), (100_000, .clsact)])
        func flows(count: Int, flavor: DeviceFlavor) throws {
            let wire = try Wire()
            let station = try Self.station(wire.right)
            try wire.right.run {
                var capture = try Capture.start(Self.plan(flavor), log: quiet)
                #expect(capture.facts.flavor == flavor)
                _ = try wire.left.exec("\(generator) raw w0 \(station) 10.9.0.2 \(count) 3 100 0 0")
                usleep(100_000)
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                let wanted = tally.amount { $0.destinationPort == 9999 }
                #expect(wanted == Amount(bytes: UInt64(count) * 3 * 128, packets: UInt64(count) * 3))
                #expect(tally.rows.count { $0.destinationPort == 9999 } == count)
                #expect(tally.rows.allSatisfy { $0.destinationPort != 9999 || $0.observer == .destination })
                capture.detach()
            }
        }

        @Test("frames padded to 60 bytes count what their datagram says", arguments: atDevices)
        func padded(source: CaptureSource) throws {
            let wire = try Wire()
            // A 40-byte ACK and its padding; the station is the broadcast one, so that every receiver takes it.
            var frame = Frame.tcp(1000, 80).ipv4(6).ethernet(0x800, padding: 6).bytes
            frame.replaceSubrange(0..<6, with: Array(repeating: 0xff, count: 6))
            #expect(frame.count == 60)
            var capture = try wire.right.run { try Capture.start(Self.plan(source: source), log: quiet) }
            try wire.left.run { #expect(unsafe test_send_frames("w0", frame, frame.count, 1000) == 0) }
            usleep(50_000)
            var tally = Tally()
            try tally.drain(&capture, keep: true)
            #expect(tally.amount { $0.destination == address("10.4.5.6") } == Amount(bytes: 40_000, packets: 1000))
        }

        @Test("ICMP counts with type and code", arguments: ["10.9.0.2", "fd09::2"], atDevices)
        func icmp(target: String, source: CaptureSource) throws {
            let wire = try Wire()
            try wire.left.run {
                var capture = try Capture.start(Self.plan(source: source), log: quiet)
                _ = try wire.left.exec("ping -q -c 5 -i 0.01 -s 100 \(target)")
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                let isIPv6 = target.contains(":")
                let echo: UInt16 = isIPv6 ? 128 : 8
                let bytes = UInt64(5 * (isIPv6 ? 148 : 128))
                #expect(tally.amount { $0.sourcePort == echo && $0.destination == address(target) } == Amount(bytes: bytes, packets: 5))
                #expect(tally.amount { $0.sourcePort == (isIPv6 ? 129 : 0) && $0.source == address(target) } == Amount(bytes: bytes, packets: 5))
                #expect(tally.rows.filter { $0.sourcePort == echo && $0.transport != 17 }.allSatisfy { $0.observer == .source })
            }
        }

        @Test("a TCP stream counts what its wire carried", arguments: [false, true], atDevices)
        func stream(offloads: Bool, source: CaptureSource) throws {
            let wire = try Wire(offloads: offloads)
            _ = try wire.left.exec("tc qdisc add dev w0 root pfifo limit 10000")
            // A multicast listener report between the two readings below would be in one of them only.
            _ = try wire.left.exec("sysctl -qw net.ipv6.conf.w0.disable_ipv6=1")
            try wire.left.run {
                var plan = Self.plan(source: source)
                plan.initiator = true
                var capture = try Capture.start(plan, log: quiet)
                _ = try wire.right.exec("iperf3 -s -1 -D >/dev/null 2>&1; sleep 0.3")
                var warmUp = Tally()
                try warmUp.drain(&capture)
                let before = try Self.counted(wire.left)
                _ = try wire.left.exec("iperf3 -c 10.9.0.2 -t 2 >/dev/null")
                usleep(200_000)
                let after = try Self.counted(wire.left)
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                // The qdisc counts frames: 14 bytes more each, and every segment of a super-packet with its headers.
                // What is not IP is ARP: 42 bytes with its Ethernet header.
                let made = tally.amount { $0.observer == .source }
                let arp = Int(after.packets) - Int(before.packets) - Int(made.packets)
                #expect((0..<10).contains(arp))
                #expect(Int(after.bytes) - Int(before.bytes) == Int(made.bytes) + 14 * Int(made.packets) + arp * 42)
                #expect(made.packets > 1000)
                let data = tally.rows.filter { $0.destinationPort == 5201 }
                #expect(data.allSatisfy { $0.initiator == .source && $0.initiatorSource == .handshake })
            }
        }

        /// Bytes and packets that left through the pfifo.
        static func counted(_ namespace: borrowing Namespace) throws -> Amount {
            // " Sent 1234 bytes 5 pkt (dropped 0, …"
            let words = try namespace.exec("tc -s qdisc show dev w0 root").split { $0 == " " || $0 == "\n" }
            let at = try #require(words.firstIndex(of: "Sent"))
            return Amount(bytes: UInt64(words[at + 1])!, packets: UInt64(words[at + 3])!)
        }

        @Test("a million flows in a map for 131,072: drained early, balanced, complete")
        func manyFlows() throws {
            let wire = try Wire()
            let station = try Self.station(wire.right)
            try wire.right.run {
                var capture = try Capture.start(Self.plan(), log: quiet)
                shell("ip netns exec \(wire.left.name) \(generator) raw w0 \(station) 10.9.0.2 1000000 1 60 0 0 >/tmp/weir-t-out 2>&1 &")
                var tally = Tally()
                var early = 0
                let end = ContinuousClock.now + .seconds(8)
                while tally.book.seen.packets < 1_000_000, ContinuousClock.now < end {
                    if capture.wait(until: .now + .seconds(1)) == .earlyDrain { early += 1 }
                    try tally.drain(&capture)
                }
                #expect(tally.book.seen.packets >= 1_000_000)
                #expect(early >= 3)
                let lost = tally.book.overflow.packets
                #expect(tally.amount.packets + lost + tally.book.notCounted.packets == tally.book.seen.packets)
                print("1 M flows: \(tally.drains) drains, \(early) early, ring \(tally.book.inRing.packets), overflow \(lost) packets")
            }
        }

        @Test("at full rate with windows of 100 ms nothing is lost")
        func fullRate() throws {
            let wire = try Wire()
            let station = try Self.station(wire.right)
            try wire.right.run {
                var capture = try Capture.start(Self.plan(), log: quiet)
                let output = "/tmp/weir-t-out-\(getpid())"
                shell("ip netns exec \(wire.left.name) \(generator) raw w0 \(station) 10.9.0.2 1000 0 18 0 5 >\(output) 2>&1 &")
                var tally = Tally()
                let end = ContinuousClock.now + .seconds(6)
                while ContinuousClock.now < end {
                    _ = capture.wait(until: .now + .milliseconds(100))
                    try tally.drain(&capture, keep: true)
                }
                let sent = try Self.sent(shell("cat \(output); rm -f \(output)").output)
                #expect(tally.amount { $0.destinationPort == 9999 } == Amount(bytes: sent * 46, packets: sent))
                print("full rate: \(sent) packets, \(tally.drains) drains")
            }
        }

        @Test("one bell wakes every capture that is started with it")
        func bell() throws {
            let host = try Namespace("bell")
            try host.run {
                let bell = try CaptureInterruptor()
                var capture = try Capture.start(Self.plan(), interruptor: bell, log: quiet)
                bell.interrupt()
                #expect(capture.wait(until: .now + .seconds(2)) == .interrupted)
                capture.detach()
                capture = try Capture.start(Self.plan(.clsact), interruptor: bell, log: quiet)
                bell.interrupt()
                #expect(capture.wait(until: .now + .seconds(2)) == .interrupted)
                #expect(capture.wait(until: .now + .milliseconds(20)) == .windowEnd)
                capture.detach()
            }
        }

        @Test("a plan for another source is not taken in place, and one that cannot be is refused before anything changes")
        func replaceable() throws {
            let wire = try Wire()
            try wire.left.run {
                _ = try wire.left.exec("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")
                var plan = Self.plan()
                var capture = try Capture.start(plan, log: quiet)
                plan.ports = false
                #expect(try capture.canReplace(with: plan))
                plan.source = .cgroup
                plan.interfaces = InterfaceFilter(exclude: [])
                #expect(try !capture.canReplace(with: plan))
                #expect(throws: CaptureError.self) { try capture.replace(with: plan) { _ in } }
                plan.interfaces = InterfaceFilter(include: [.exact("w0")])
                #expect(throws: CaptureError.self) { try capture.canReplace(with: plan) }
                // What `auto` is depends on the host as it is now.
                plan.source = .auto
                #expect(try capture.canReplace(with: plan))
                plan.interfaces = InterfaceFilter()
                #expect(try !capture.canReplace(with: plan))
                _ = try wire.left.exec("sysctl -qw net.ipv4.ip_forward=1")
                #expect(try capture.canReplace(with: plan))
                _ = try wire.left.exec("ping -q -c 3 -i 0.01 10.9.0.2")
                var flows: [Amount] = []
                let book = try capture.replace(with: plan) { chunk in
                    for index in chunk.indices where chunk[index].transport == 1 {
                        flows.append(Amount(bytes: chunk[index].bytes, packets: chunk[index].packets))
                    }
                }
                #expect(book.isBalanced)
                #expect(flows == [Amount(bytes: 252, packets: 3), Amount(bytes: 252, packets: 3)])
                #expect(capture.choice.source == .tc)
                #expect(capture.choice.notTaken.first?.source == .cgroup)
                capture.detach()
            }
        }

        @Test("a device that left has its name until its packets are drained", arguments: atDevices)
        func departed(source: CaptureSource) throws {
            let wire = try Wire()
            try wire.left.run {
                var plan = Self.plan(source: source)
                plan.interface = true
                var capture = try Capture.start(plan, log: quiet)
                #expect(capture.attachedCount == 1)
                let index = try #require(capture.interfaceNames.first { $0.value == "w0" }?.key)
                _ = try wire.left.exec("ping -q -c 3 -i 0.01 10.9.0.2; ip link del w0")
                _ = capture.wait(until: .now + .milliseconds(100))
                #expect(capture.attachedCount == 0)
                #expect(capture.interfaceNames[index] == "w0")
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                #expect(tally.rows.filter { $0.transport == 1 }.allSatisfy { $0.interfaceIndex == index })
                #expect(tally.rows.count { $0.transport == 1 } == 2)
                #expect(capture.interfaceNames[index] == nil)
            }
        }

        @Test("changes that netlink lost are found by reading everything anew")
        func overrun() throws {
            let host = try Namespace("lost")
            try host.run {
                var capture = try Capture.start(Self.plan(), log: quiet)
                // More news than 1 MiB holds, and the first half of them is no longer true.
                _ = try host.exec(
                    """
                    ip link add d0 type veth peer name d9
                    for i in $(seq 3000); do echo link set d0 up; echo link set d0 down; done | ip -b -; ip link del d0; ip link add e0 type veth peer name e9
                    """)
                _ = capture.wait(until: .now + .milliseconds(200))
                #expect(capture.facts.netlinkOverruns >= 1)
                #expect(capture.facts.interfaces.map(\.name).sorted() == ["e0", "e9"])
                #expect(
                    Set(capture.interfaceNames.values) == ["lo", "e0", "e9", "d0", "d9"] || Set(capture.interfaceNames.values) == ["lo", "e0", "e9"])
                capture.detach()
            }
        }

        @Test("a device that stands on one of another namespace is captured")
        func leaves() throws {
            let host = try Namespace("leaf")
            let outer = try Namespace("outer")
            _ = try outer.exec("ip link add p0 type veth peer name p1; ip link add link p0 name m0 netns \(host.name) type macvlan")
            _ = try host.exec("ip link set m0 up")
            try host.run {
                let capture = try Capture.start(Self.plan(), log: quiet)
                #expect(capture.facts.interfaces.map(\.name) == ["m0"])
                #expect(capture.attachedCount == 1)
            }
        }

        @Test("a clsact filter that an agent left behind is replaced")
        func leftovers() throws {
            let wire = try Wire()
            try wire.right.run {
                do {
                    var capture = try Capture.start(Self.plan(.clsact), log: quiet)
                    #expect(try wire.right.exec("tc filter show dev w0 ingress").contains("weir_uplink_eth"))
                    capture.detach()
                }
                #expect(try !wire.right.exec("tc qdisc show dev w0").contains("clsact"))
                // Not detached: what a killed process leaves.
                do { _ = try Capture.start(Self.plan(.clsact), log: quiet) }
                #expect(try wire.right.exec("tc filter show dev w0 ingress").contains("weir_uplink_eth"))
                var next = try Capture.start(Self.plan(), log: quiet)
                #expect(try !wire.right.exec("tc filter show dev w0 ingress").contains("weir_"))
                next.detach()
                #expect(try !wire.right.exec("tc qdisc show dev w0").contains("clsact"))
            }
        }

        @Test("a clsact with someone else's filters stays")
        func foreignFilters() throws {
            let wire = try Wire()
            try wire.right.run {
                _ = try wire.right.exec(
                    "tc qdisc add dev w0 clsact; tc filter add dev w0 ingress prio 1 protocol ip u32 match ip src 1.2.3.4 flowid 1:1")
                var capture = try Capture.start(Self.plan(.clsact), log: quiet)
                _ = try wire.left.exec("ping -q -c 1 10.9.0.2")
                capture.detach()
                var tally = Tally()
                try tally.drain(&capture)
                #expect(try wire.right.exec("tc filter show dev w0 ingress").contains("u32"))
            }
        }

        @Test("a device without a link header counts too")
        func rawDevice() throws {
            let host = try Namespace("raw")
            _ = try host.exec("ip tuntap add t0 mode tun; ip addr add 10.8.0.1/24 dev t0; ip link set t0 up")
            try host.run {
                var capture = try Capture.start(Self.plan(), log: quiet)
                #expect(capture.facts.interfaces.first?.isEthernet == false)
                shell("ping -q -c 1 -W 0.1 10.8.0.2")
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                #expect(tally.amount { $0.destination == address("10.8.0.2") } == Amount(bytes: 84, packets: 1))
            }
        }

        @Test("devices that come are attached, those that go are let go", arguments: atDevices)
        func hotplug(source: CaptureSource) throws {
            let host = try Namespace("plug")
            try host.run {
                var capture = try Capture.start(Self.plan(source: source), log: quiet)
                #expect(capture.facts.interfaces.isEmpty)
                _ = try host.exec("ip link add d0 type veth peer name d9; ip addr add 10.8.0.1/24 dev d0; ip link set d9 up; ip link set d0 up")
                _ = capture.wait(until: .now + .milliseconds(200))
                #expect(capture.facts.interfaces.map(\.name).contains("d0"))
                _ = try host.exec("ip link add br0 type bridge; ip link set d9 master br0; ip link set d0 down; ip link set d0 name d1")
                _ = capture.wait(until: .now + .milliseconds(200))
                let roles = Dictionary(uniqueKeysWithValues: capture.facts.interfaces.map { ($0.name, $0.role) })
                #expect(roles == ["d1": .uplink, "d9": .port])
                _ = try host.exec("ip link del d1")
                _ = capture.wait(until: .now + .milliseconds(200))
                #expect(capture.facts.interfaces.isEmpty)
            }
        }
    }
}

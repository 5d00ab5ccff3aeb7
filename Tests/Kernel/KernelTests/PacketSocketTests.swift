// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CKernelTests
import CWeirCapture
import Glibc
import Testing
import WeirCapture
import WeirKit

extension KernelTests {
    /// The source `socket`, where it is not tested beside tc.
    @Suite(.serialized)
    struct PacketSockets {
        /// What both sources saw of everything that is not between neighbours, as lines.
        static func flows(_ tally: Tally) -> [String: Amount] {
            var flows: [String: Amount] = [:]
            for row in tally.rows where [1, 6, 17].contains(row.transport) || row.transport == 58 && row.sourcePort >= 128 && row.sourcePort < 130 {
                let key = """
                    \(row.source):\(row.sourcePort)>\(row.destination):\(row.destinationPort)/\(row.transport) \(row.observer) \
                    at \(row.interfaceIndex), \(row.initiator) by \(row.initiatorSource)
                    """
                flows[key, default: Amount()] += Amount(bytes: row.bytes, packets: row.packets)
            }
            return flows
        }

        @Test("real packets count as with tc, at both ends of the wire", arguments: [false, true])
        func likeTC(offloads: Bool) throws {
            let wire = try Wire(offloads: offloads)
            let hosts = ["10.9.0.", "fd09::"]
            // Nothing is dropped behind the place of tc, and until the two know each other nothing is counted.
            _ = try wire.left.exec("tc qdisc add dev w0 root pfifo limit 100000; for to in \(hosts[0])2 \(hosts[1])2; do ping -q -c 1 -w 5 $to; done")
            _ = try wire.right.exec("for at in \(hosts[0])2 \(hosts[1])2; do \(generator) drain $at 2 >/dev/null 2>&1 & done; sleep 0.3")
            var plan = Traffic.plan()
            plan.initiator = true
            plan.interface = true
            var sentTC = try wire.left.run { try Capture.start(plan, log: quiet) }
            var arrivedTC = try wire.right.run { try Capture.start(plan, log: quiet) }
            plan.source = .socket
            var sent = try wire.left.run { try Capture.start(plan, log: quiet) }
            var arrived = try wire.right.run { try Capture.start(plan, log: quiet) }
            for host in hosts {
                _ = try wire.left.exec(
                    """
                    \(generator) pour \(host)2 20000000 2 >/dev/null; ping -q -c 5 -i 0.01 -s 4000 \(host)2
                    \(generator) sock \(host)1 \(host)2 5 4000 0 2000 20; \(generator) \(offloads ? "-g 10" : "") sock \(host)1 \(host)2 5 100 0 2000 20
                    """)
            }
            usleep(300_000)
            var (tc, socket) = (Tally(), Tally())
            try tc.drain(&sentTC, keep: true)
            try socket.drain(&sent, keep: true)
            #expect(Self.flows(tc) == Self.flows(socket))
            #expect(tc.amount.packets > 20_000)
            (tc, socket) = (Tally(), Tally())
            try tc.drain(&arrivedTC, keep: true)
            try socket.drain(&arrived, keep: true)
            #expect(Self.flows(tc) == Self.flows(socket))
            #expect(tc.amount.packets > 20_000)
            #expect(socket.book.orphanFragments == 0)
            print("packet sockets, offloads \(offloads): \(Self.flows(socket).count) flows, \(socket.amount.packets) packets")
        }

        @Test("what goes over lo counts where it leaves, once")
        func loopback() throws {
            let host = try Namespace("lo")
            try host.run {
                var plan = Traffic.plan(source: .socket)
                plan.interfaces = InterfaceFilter(exclude: [])
                var capture = try Capture.start(plan, log: quiet)
                #expect(capture.facts.interfaces.map(\.role) == [.loopback])
                #expect(unsafe test_udp_pair("127.0.0.1", "127.0.0.1", 7000, 20, 100) == 20)
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                #expect(tally.amount { $0.destinationPort == 7000 } == Amount(bytes: 20 * 128, packets: 20))
                #expect(tally.book.seen == tally.amount)
            }
        }

        @Test("a multicast packet that the sender's own host gets back counts once")
        func group() throws {
            let wire = try Wire()
            try wire.left.run {
                var capture = try Capture.start(Traffic.plan(source: .socket), log: quiet)
                let script = """
                    import socket as s
                    r=s.socket(2,2); r.bind(("",7003)); r.setsockopt(0,35,s.inet_aton("239.7.7.7")+s.inet_aton("10.9.0.1")); r.settimeout(9)
                    t=s.socket(2,2); t.setsockopt(0,32,s.inet_aton("10.9.0.1"))
                    for i in range(20): t.sendto(b"x"*100,("239.7.7.7",7003))
                    print("got", sum(len(r.recv(200))==100 for i in range(20)))
                    """
                #expect(try Self.python(script, wire.left).contains("got 20"))
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                #expect(tally.amount { $0.destinationPort == 7003 } == Amount(bytes: 20 * 128, packets: 20))
                #expect(tally.book[.duplicate].packets == 0)
            }
        }

        /// Opens the tun t0 and waits for its queue, which a device without a reader has not; sends out a ping and lets three datagrams in.
        static let tun = """
            import fcntl, os, struct, subprocess, time
            t = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(t, 0x400454ca, struct.pack("16sH", b"t0", 0x1001))
            while any(word in subprocess.getoutput("ip link show t0") for word in ("NO-CARRIER", "noop")): time.sleep(0.02)
            subprocess.run("ping -q -c 1 -W 0.1 10.8.0.2", shell=True)
            udp = struct.pack(">HHHH", 1000, 2000, 18, 0) + bytes(10)
            for i in range(3): os.write(t, struct.pack(">BBHHHBBH8B", 0x45, 0, 38, 0, 0, 64, 17, 0, 10, 8, 0, 2, 10, 8, 0, 1) + udp)
            """

        @Test("a device without a link header counts both ways, and nothing that it does not send")
        func raw() throws {
            let host = try Namespace("raw")
            _ = try host.exec("ip tuntap add t0 mode tun; ip addr add 10.8.0.1/24 dev t0; ip link set t0 up")
            try host.run {
                var capture = try Capture.start(Traffic.plan(source: .socket), log: quiet)
                #expect(capture.facts.interfaces.map(\.isEthernet) == [false])
                // Nobody reads: the kernel drops it in the place of a queue.
                shell("ping -q -c 1 -W 0.1 10.8.0.2")
                try Self.python(Self.tun, host)
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                #expect(tally.amount { $0.destination == address("10.8.0.2") && $0.transport == 1 } == Amount(bytes: 84, packets: 1))
                #expect(tally.amount { $0.destinationPort == 2000 } == Amount(bytes: 3 * 38, packets: 3))
                #expect(tally.rows.allSatisfy { $0.destinationPort != 2000 || $0.observer == .destination })
            }
        }

        @discardableResult
        static func python(_ script: String, _ namespace: borrowing Namespace) throws -> String {
            let file = "/tmp/weir-t-script-\(getpid()).py"
            defer { shell("rm -f \(file)") }
            shell("cat >\(file) <<'EOF'\n\(script)\nEOF")
            return try namespace.exec("python3 \(file)")
        }

        /// The packet sockets of a namespace: which there are, and how many bytes wait in them.
        static func open(_ namespace: borrowing Namespace) throws -> [(inode: String, waiting: Int)] {
            // "sk RefCnt Type Proto Iface R Rmem User Inode", Iface 0 for those on all.
            try namespace.exec("cat /proc/net/packet").split(separator: "\n").dropFirst().map {
                let words = $0.split(separator: " ")
                return (String(words[8]), Int(words[6]) ?? -1)
            }
        }

        @Test("no packet is ever queued, a reload keeps the sockets, and what is left out has none")
        func sockets() throws {
            let wire = try Wire()
            let station = try Traffic.station(wire.right)
            try wire.right.run {
                var plan = Traffic.plan(source: .socket)
                var capture = try Capture.start(plan, log: quiet)
                let before = try Self.open(wire.right)
                #expect(before.count == 1)
                let file = "/tmp/weir-t-out-\(getpid())"
                shell("ip netns exec \(wire.left.name) \(generator) raw w0 \(station) 10.9.0.2 100 0 100 0 3 >\(file) 2>&1 &")
                var tally = Tally()
                for round in 0..<8 {
                    usleep(200_000)
                    plan.ports = round % 2 == 1
                    let book = try capture.replace(with: plan) { chunk in
                        for index in chunk.indices { tally.rows.append(chunk[index]) }
                    }
                    #expect(book.isBalanced)
                    let now = try Self.open(wire.right)
                    #expect(now.map(\.inode) == before.map(\.inode))
                    #expect(now.allSatisfy { $0.waiting == 0 })
                }
                usleep(2_500_000)
                try tally.drain(&capture, keep: true)
                let sent = try Traffic.sent(shell("cat \(file); rm -f \(file)").output)
                // From addresses of its own, which no answer has; ports come and go.
                let all = tally.amount { $0.destination == address("10.9.0.2") && $0.transport == 17 }
                #expect(all == Amount(bytes: sent * 128, packets: sent))
                plan.interfaces = InterfaceFilter(exclude: [.exact("lo"), .exact("w0")])
                _ = try capture.replace(with: plan) { _ in }
                #expect(capture.attachedCount == 0)
                #expect(try Self.open(wire.right).isEmpty)
                plan.interfaces = InterfaceFilter()
                _ = try capture.replace(with: plan) { _ in }
                #expect(try Self.open(wire.right).count == 1)
                capture.detach()
                #expect(try Self.open(wire.right).isEmpty)
            }
        }

        @Test("a reload keeps the devices where a socket has no room for two filters")
        func smallOptmem() throws {
            let wire = try Wire()
            let station = try Traffic.station(wire.right)
            try wire.right.run {
                // The default before Linux 6.8, from which on each network namespace has its own; before, this sets the host's.
                let before = try wire.right.exec("sysctl -n net.core.optmem_max").split(separator: "\n").joined()
                _ = try wire.right.exec("sysctl -qw net.core.optmem_max=20480")
                defer { _ = try? wire.right.exec("sysctl -qw net.core.optmem_max=\(before)") }
                var plan = Traffic.plan(source: .socket)
                var capture = try Capture.start(plan, log: quiet)
                for round in 1...4 {
                    plan.ports = round % 2 == 0
                    #expect(try capture.replace(with: plan) { _ in }.isBalanced)
                    #expect(capture.attachedCount == 1 && capture.refusedCount == 0)
                    _ = try wire.left.exec("\(generator) raw w0 \(station) 10.9.0.2 50 3 100 0 0")
                    usleep(50_000)
                    var tally = Tally()
                    try tally.drain(&capture, keep: true)
                    #expect(tally.amount(where: Pin.isSent) == Pin.counted)
                    #expect(try Self.open(wire.right).allSatisfy { $0.waiting == 0 })
                }
            }
        }

        @Test("many sockets close together")
        func many() throws {
            let host = try Namespace("many")
            try host.run {
                _ = try host.exec("for i in $(seq 100); do echo link add a$i type veth peer name b$i; done | ip -b -")
                var capture = try Capture.start(Traffic.plan(source: .socket), log: quiet)
                #expect(try Self.open(host).count == 200)
                let start = ContinuousClock.now
                capture.detach()
                print("200 packet sockets closed in \(ContinuousClock.now - start)")
                #expect(try Self.open(host).isEmpty)
                var tally = Tally()
                try tally.drain(&capture)
            }
        }

        @Test("where tc has no room for another program, auto takes packet sockets, and a reload keeps them")
        func refused() throws {
            let wire = try Wire()
            try wire.left.run {
                _ = try wire.left.exec("sysctl -qw net.ipv4.ip_forward=1")
                var plan = CapturePlan()
                plan.flavor = .tcx
                plan.maxFlows = 1024
                let links = try LinksOnDevice("w0", plan)
                #expect(links.count > 60)
                var capture = try Capture.start(plan, log: quiet)
                #expect(capture.choice.source == .socket)
                #expect(capture.choice.notTaken.map(\.source) == [.cgroup, .tc])
                #expect(capture.choice.notTaken.last?.reason.contains("could not attach to w0") == true)
                #expect(capture.facts.flavor == nil)
                #expect(capture.attachedCount == 1)
                #expect(try capture.canReplace(with: plan))
                _ = try wire.left.exec("ping -q -c 3 -i 0.01 10.9.0.2")
                var tally = Tally()
                try tally.drain(&capture, keep: true)
                #expect(tally.amount { $0.transport == 1 } == Amount(bytes: 504, packets: 6))
                plan.source = .tc
                #expect(try !capture.canReplace(with: plan))
                #expect(throws: CaptureError.self) { _ = try Capture.start(plan, log: quiet) }
            }
        }

        /// As many programs at the egress of a device as tcx has room for.
        struct LinksOnDevice: ~Copyable {
            private var links: [Int32] = []
            var count: Int { links.count }

            init(_ device: String, _ plan: CapturePlan) throws {
                let index = unsafe if_nametoindex(device)
                filling: while true {
                    // No program stands there twice. Links keep theirs.
                    let object = try FlowObject.load(plan, source: .tc)
                    for name in ["uplink", "port", "out"].flatMap({ ["weir_\($0)_eth", "weir_\($0)_raw"] }) {
                        let link = capture_attach_tcx(object.program(name), index, false)
                        guard link >= 0 else { break filling }
                        links.append(link)
                    }
                }
            }

            deinit { for link in links { close(link) } }
        }
    }
}

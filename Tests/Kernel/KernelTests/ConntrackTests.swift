// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Netlink
import Testing
import WeirCapture
import WeirKit

/// A client, a host that translates and a backend. The host sends what is for a Service to the backend and masquerades the
/// client; both families, TCP and UDP.
///
///     client ─ a0 · host · b0 ─ backend
///     10.1.0.2, fd01::2        10.2.0.2, fd02::2     Service: 10.96.0.10, fd96::10, port 80 → 8080
struct TranslatingHost: ~Copyable {
    let client: Namespace
    let host: Namespace
    let backend: Namespace

    init() throws {
        let client = try Namespace("nat-client")
        let host = try Namespace("nat-host")
        let backend = try Namespace("nat-backend")
        let h = host.name
        let (status, output) = shell(
            """
            side() {
              ip -n \(h) link add $1 type veth peer name w0 netns $2 &&
              ip netns exec $2 sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.w0.accept_dad=0 &&
              ip netns exec \(h) sysctl -qw net.ipv6.conf.$1.accept_dad=0 &&
              ip -n \(h) addr add 10.$3.0.1/24 dev $1 && ip -n \(h) addr add fd0$3::1/64 dev $1 nodad &&
              ip -n $2 addr add 10.$3.0.2/24 dev w0 && ip -n $2 addr add fd0$3::2/64 dev w0 nodad &&
              ip -n \(h) link set $1 up && ip -n $2 link set w0 up &&
              ip -n $2 route add default via 10.$3.0.1 && ip -n $2 route add default via fd0$3::1; }
            side a0 \(client.name) 1 && side b0 \(backend.name) 2 &&
            ip netns exec \(h) sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 &&
            ip netns exec \(h) nft '
              table ip n { chain d { type nat hook prerouting priority -100; ip daddr 10.96.0.10 meta l4proto { tcp, udp } th dport 80 dnat to 10.2.0.2:8080; }
                chain p { type nat hook postrouting priority 100; oifname b0 masquerade; }; }
              table ip6 n { chain d { type nat hook prerouting priority -100; ip6 daddr fd96::10 meta l4proto { tcp, udp } th dport 80 dnat to [fd02::2]:8080; }
                chain p { type nat hook postrouting priority 100; oifname b0 masquerade; }; }'
            """)
        try #require(status == 0, "\(output)")
        self.client = client
        self.host = host
        self.backend = backend
    }

    static func service(_ family: Int) -> IPAddress { address(family == 4 ? "10.96.0.10" : "fd96::10") }
    static func client(_ family: Int) -> IPAddress { address(family == 4 ? "10.1.0.2" : "fd01::2") }
    static func backend(_ family: Int) -> IPAddress { address(family == 4 ? "10.2.0.2" : "fd02::2") }
    static func masquerade(_ family: Int) -> IPAddress { address(family == 4 ? "10.2.0.1" : "fd02::1") }

    /// `count` connections from ports 40000 on; each sends and is answered.
    func talk(_ family: Int, _ transport: UInt8, count: Int) throws {
        let kind = transport == 6 ? "STREAM" : "DGRAM"
        let serve =
            transport == 6
            ? "s.listen(512)\nfor _ in range(\(count)):\n c,_=s.accept(); c.sendall(c.recv(99)*2); c.close()"
            : "for _ in range(\(count)):\n d,a=s.recvfrom(99); s.sendto(d*2,a)"
        let head =
            "import socket,sys\nF=socket.AF_INET\(family == 4 ? "" : "6"); K=socket.SOCK_\(kind)\ndef made(a,p):\n s=socket.socket(F,K); s.setsockopt(1,2,1); s.settimeout(9); s.bind((a,p)); return s\n"
        let scripts = "/tmp/weir-t-talk-\(getpid())"
        try write("\(head)s=made(\"\(Self.backend(family))\",8080)\n\(serve)\n", to: "\(scripts)-server.py")
        try write(
            "\(head)for i in range(\(count)):\n s=made(\"\(Self.client(family))\",40000+i); s.connect((\"\(Self.service(family))\",80)); s.sendall(b\"hello\"); assert s.recv(99)==b\"hellohello\"; s.close()\n",
            to: "\(scripts)-client.py")
        defer { shell("rm -f \(scripts)-*.py") }
        let isListening = "ss -Hlntu \"sport = :8080\" | grep -q 8080"
        _ = try backend.exec("python3 \(scripts)-server.py >/dev/null 2>&1 & for i in $(seq 100); do \(isListening) && break; sleep 0.05; done")
        _ = try client.exec("python3 \(scripts)-client.py")
    }

    private func write(_ text: String, to path: String) throws {
        let (status, output) = shell("cat > \(path) <<'END'\n\(text)\nEND")
        try #require(status == 0, "\(output)")
    }
}

extension KernelTests {
    @Suite(.serialized)
    struct Conntrack {
        @Test(
            "each of the four tuples of a translated connection, but for the two that only leave, finds it", arguments: [4, 6], [6, 17] as [UInt8])
        func translated(family: Int, transport: UInt8) throws {
            let hosts = try TranslatingHost()
            try hosts.talk(family, transport, count: 700)
            try hosts.host.run {
                var socket = try ConntrackSocket.open()
                let there = (0..<700).map {
                    ConnectionTuple(
                        TranslatingHost.client(family), UInt16(40_000 + $0), TranslatingHost.service(family), 80, transport: transport)
                }
                var answers: [ConntrackAnswer] = []
                socket.ask(there, into: &answers)
                var replies: [ConnectionTuple] = []
                for (tuple, answer) in zip(there, answers) {
                    guard case .connection(let connection) = answer else {
                        Issue.record("\(tuple) is \(answer)")
                        return
                    }
                    #expect(connection.original == tuple)
                    #expect(connection.reply.source == TranslatingHost.backend(family))
                    #expect(connection.reply.sourcePort == 8080)
                    #expect(connection.reply.destination == TranslatingHost.masquerade(family))
                    #expect(connection.isTranslated)
                    replies.append(connection.reply)
                }
                var again: [ConntrackAnswer] = []
                socket.ask(replies, into: &again)
                #expect(again == answers)
                // What leaves this host towards the client or the backend is known by its inverse alone.
                socket.ask(there.map(\.inverse) + replies.map(\.inverse), into: &again)
                #expect(again == [ConntrackAnswer](repeating: .unknown, count: 1400))
                _ = try socket.counts()
            }
        }

        @Test("what goes through a Service counts once, at the backend, by devices and by sockets", arguments: [4, 6], [6, 17] as [UInt8])
        func captured(family: Int, transport: UInt8) throws {
            let client = TranslatingHost.client(family)
            let backend = TranslatingHost.backend(family)
            let service = TranslatingHost.service(family)
            for source in [CaptureSource.tc, .cgroup] {
                let hosts = try TranslatingHost()
                try hosts.host.run {
                    var plan = Traffic.plan()
                    plan.source = source
                    var asSeen = try Capture.start(plan, log: quiet)
                    plan.nat = .on
                    var translated = try Capture.start(plan, log: quiet)
                    let choices = [translated.translation.isOn, asSeen.translation.isOn]
                    #expect(choices == [true, false])
                    try hosts.talk(family, transport, count: 300)
                    usleep(100_000)
                    var seen = Tally()
                    try seen.drain(&asSeen, keep: true)
                    var real = Tally()
                    try real.drain(&translated, keep: true)
                    let there = seen.amount { $0.source == client && $0.destination == service && $0.destinationPort == 80 }
                    let back = seen.amount { $0.source == backend && $0.sourcePort == 8080 }
                    #expect(there.packets >= 300 && back.packets >= 300)
                    let isReal: [(CapturedFlow) -> Bool] = [
                        { $0.source == client && $0.destination == backend && $0.destinationPort == 8080 && $0.serviceEnd == .destination },
                        { $0.source == backend && $0.sourcePort == 8080 && $0.destination == client && $0.serviceEnd == .source },
                    ]
                    #expect(real.amount { isReal[0]($0) && $0.service == service } == there)
                    #expect(real.amount { isReal[1]($0) && $0.service == service } == back)
                    #expect(real.rows.allSatisfy { $0.source != service && $0.destination != service })
                    #expect(real.book.translations.translated == there + back)
                    if source == .cgroup { #expect(real.rows.filter { isReal[0]($0) }.allSatisfy { $0.observer == .both }) }
                }
            }
        }

        @Test("auto goes over when the host begins to track connections, without a gap")
        func begins() throws {
            let hosts = try TranslatingHost()
            try hosts.host.run {
                var plan = Traffic.plan()
                (plan.nat, plan.ports, plan.transport) = (.auto, false, false)
                var capture = try Capture.start(plan, log: quiet)
                func state(_ capture: borrowing Capture) -> [Bool] {
                    [capture.translation.isOn, capture.wantsTranslation, capture.facts.shape.isPerCPU]
                }
                let before = state(capture)
                #expect(before == [false, false, true])
                try hosts.talk(4, 17, count: 50)
                let meanwhile = state(capture)
                #expect(meanwhile == [false, true, true])
                var there: [IPAddress: UInt64] = [:]
                func add(_ chunk: Span<CapturedFlow>) {
                    for index in chunk.indices where chunk[index].source == TranslatingHost.client(4) {
                        there[chunk[index].destination, default: 0] += chunk[index].bytes
                    }
                }
                let book = try capture.replace(with: plan) { add($0) }
                #expect(book.isBalanced)
                let after = state(capture)
                #expect(after == [true, false, false])
                try hosts.talk(4, 17, count: 50)
                let rest = try capture.drain { add($0) }
                #expect(rest.isBalanced)
                // Five bytes behind 28 of headers.
                #expect(there == [TranslatingHost.service(4): 50 * 33, TranslatingHost.backend(4): 50 * 33])
            }
        }

        @Test("a namespace where nothing is tracked knows no connection, and no descriptor stays open")
        func untracked() throws {
            let rounds = 200
            let outside = try Namespace("nat-none")
            try outside.run {
                let before = try FileDescriptors.count()
                for _ in 0..<rounds {
                    // Nothing tracks in a namespace without rules, and it can be asked all the same.
                    var socket = try ConntrackSocket.open()
                    var answers: [ConntrackAnswer] = []
                    socket.ask([ConnectionTuple(address("10.0.0.1"), 1, address("10.0.0.2"), 2, transport: 6)], into: &answers)
                    #expect(answers == [.unknown])
                }
                // Other tests of this process open files meanwhile, but not so many.
                let left = try FileDescriptors.count() - before
                #expect(left < rounds / 2, "\(left) descriptors stayed open")
            }
        }
    }
}

/// What this process holds open.
enum FileDescriptors {
    static func count() throws -> Int {
        let (status, output) = shell("ls /proc/\(getpid())/fd | wc -l")
        try #require(status == 0)
        return Int(output.filter(\.isNumber)) ?? -1
    }
}

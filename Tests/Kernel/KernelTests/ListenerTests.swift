// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CWeirCapture
import Netlink
import Testing
import WeirCapture
import WeirKit
import WeirTesting

/// What sockets that wait say of rows: no kernel needed.
@Suite
struct ListenerTests {
    static let host = address("10.0.0.1")
    static let pod = address("10.1.0.2")
    static let other = address("10.1.0.3")
    static let remote = address("203.0.113.9")

    static var addresses: HostAddresses {
        var table = LinkTable()
        table.apply(.link(Link(index: 2, name: "eth0")))
        table.apply(.address(LinkAddress(link: 2, address: host, prefixLength: 24, isGlobal: true)))
        var addresses = HostAddresses()
        addresses.follow(table)
        return addresses
    }

    /// Who opened what goes from a local end to a remote one.
    static func initiator(_ table: ListenerTable, _ local: IPAddress, _ port: UInt16, to remotePort: UInt16 = 2000, _ transport: UInt8 = 6)
        -> Initiator
    {
        let there = RowReaderTests.row(FLOW_MADE, local, remote, ports: (port, remotePort), protocol: transport)
        let back = RowReaderTests.row(FLOW_UPLINK_IN, remote, local, ports: (remotePort, port), protocol: transport)
        let answer = table.initiator(of: there, addresses)
        let expected: Initiator = answer == .source ? .destination : answer == .destination ? .source : .unknown
        #expect(table.initiator(of: back, addresses) == expected)
        return answer
    }

    @Test("a wildcard is for the addresses of its own namespace alone; an address is itself")
    func scopes() {
        var table = ListenerTable()
        table.insert(ListeningSocket(ListeningSocket.anyIPv4, 25_000, transport: 6))
        table.insert(ListeningSocket(Self.host, 25_001, transport: 6))
        table.insert(ListeningSocket(ListeningSocket.any, 25_002, transport: 6), in: [Self.pod, address("127.0.0.1")], own: [Self.host])
        table.insert(ListeningSocket(Self.pod, 25_003, transport: 6), in: [], own: [Self.host])
        // An address of this host that another namespace has too means this host's.
        table.insert(ListeningSocket(ListeningSocket.anyIPv4, 25_004, transport: 6), in: [Self.host], own: [Self.host])
        let waiting: [(IPAddress, ClosedRange<UInt16>)] = [(Self.host, 25_000...25_001), (Self.pod, 25_002...25_003), (Self.other, 1...1)]
        for (local, ports) in waiting {
            for port in 25_000...25_004 as ClosedRange<UInt16> {
                #expect(Self.initiator(table, local, port) == (ports.contains(port) ? .destination : .unknown), "\(local) \(port)")
            }
        }
        #expect(Self.initiator(table, Self.host, 25_000, 17) == .unknown)
    }

    @Test("a wildcard of IPv4 is not one of IPv6")
    func families() {
        var table = ListenerTable()
        let loopback = address("::1")
        table.insert(ListeningSocket(ListeningSocket.anyIPv4, 80, transport: 6))
        table.insert(ListeningSocket(ListeningSocket.any, 81, transport: 6))
        for (local, port, initiator) in [
            (Self.host, 80, .destination), (Self.host, 81, .destination), (loopback, 80, .unknown), (loopback, 81, .destination),
        ]
            as [(IPAddress, UInt16, Initiator)]
        {
            #expect(Self.initiator(table, local, port) == initiator, "\(local) \(port)")
        }
    }

    @Test("two ends that both wait, and an end elsewhere, leave it undecided")
    func ambiguous() {
        var table = ListenerTable()
        for port in [25_000, 2000] as [UInt16] { table.insert(ListeningSocket(ListeningSocket.anyIPv4, port, transport: 6)) }
        let row = RowReaderTests.row(FLOW_MADE, Self.host, Self.host, ports: (2000, 25_000))
        #expect(table.initiator(of: row, Self.addresses) == .unknown)
        let one = RowReaderTests.row(FLOW_MADE, Self.host, Self.host, ports: (2001, 25_000))
        #expect(table.initiator(of: one, Self.addresses) == .source)
        // The far end's port is nobody's here.
        #expect(Self.initiator(table, Self.host, 40_000, to: 25_000) == .unknown)
    }

    @Test("a socket of UDP waits unless the kernel chose its port, or both ends have the same")
    func datagrams() {
        var table = ListenerTable(ephemeral: 32_768...60_999)
        for port in [53, 123, 40_000] as [UInt16] { table.insert(ListeningSocket(ListeningSocket.anyIPv4, port, transport: 17)) }
        #expect(Self.initiator(table, Self.host, 53, 17) == .destination)
        #expect(Self.initiator(table, Self.host, 123, to: 123, 17) == .unknown)
        #expect(Self.initiator(table, Self.host, 40_000, to: 53, 17) == .unknown)
    }

    @Test("the table is bounded and counts what it turned away")
    func bounded() {
        var table = ListenerTable(limit: 10)
        for port in 1...30 as ClosedRange<UInt16> {
            table.insert(ListeningSocket(ListeningSocket.anyIPv4, port, transport: 6))
            table.insert(ListeningSocket(ListeningSocket.anyIPv4, 1, transport: 6))
        }
        #expect((table.count, table.turnedAway) == (10, 20))
    }

    @Test("lines of /proc are read as Linux writes them on this machine")
    func lines() {
        func read(_ line: String, _ transport: UInt8) -> SocketText {
            let bytes = Array(line.utf8)
            return SocketText(bytes.span, transport: transport)
        }
        let rest = "00000000:00000000 00:00000000 00000000     0        0 3072901 1 00000000c8253678 100 0 0 10 0"
        #expect(read("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", 6) == .other)
        #expect(
            read("   0: 0100007F:7A02 00000000:0000 0A \(rest)", 6) == .listening(ListeningSocket(address("127.0.0.1"), 31_234, transport: 6)))
        #expect(
            read("   0: 000000000000000000000000010000FD:01BB 00000000000000000000000000000000:0000 0A \(rest)", 6)
                == .listening(ListeningSocket(address("::fd00:1"), 443, transport: 6)))
        #expect(
            read(" 1309: 00000000:7A03 00000000:0000 07 \(rest)", 17)
                == .listening(ListeningSocket(ListeningSocket.anyIPv4, 31_235, transport: 17)))
        #expect(read("   1: 0100007F:7A02 0100007F:C350 01 \(rest)", 6) == .otherSocket)
        #expect(read(" 1309: 0100007F:7A03 0100007F:0035 01 \(rest)", 17) == .otherSocket)
        for broken in ["", "0:", "0: 7A02 0 0A", "0: 0100007G:7A02 00000000:0000 0A", "0: 0100007F:7A021 00000000:0000 0A", "0: :7A02 :0000 0A"] {
            #expect(read(broken, 6) == .other, "\(broken)")
        }
    }

    @Test("addresses are those that the routing table calls local, and those of IPv6's list")
    func addressLines() {
        let trie = """
            Main:
              +-- 0.0.0.0/0 3 0 5
                 |-- 0.0.0.0
                    /0 universe UNICAST
                 +-- 10.1.0.0/24 2 0 2
                    |-- 10.1.0.0
                       /24 link UNICAST
                    |-- 10.1.0.2
                       /32 host LOCAL
                    |-- 10.1.0.255
                       /32 link BROADCAST
                 +-- 127.0.0.0/8 2 0 2
                    |-- 127.0.0.0
                       /8 host LOCAL
                    |-- 127.0.0.1
                       /32 host LOCAL
            """
        var reader = AddressTrie()
        var found: [IPAddress] = []
        for line in trie.split(separator: "\n") {
            let bytes = Array(line.utf8)
            if let address = reader.read(bytes.span) { found.append(address) }
        }
        #expect(found == [Self.pod, address("127.0.0.1")])
        func read(_ line: String) -> IPAddress? {
            let bytes = Array(line.utf8)
            return interfaceAddress(bytes.span)
        }
        #expect(read("fd000000000000000000000000000002 02 40 00 80     eth0") == address("fd00::2"))
        #expect(read("fd00000000000000000000000000000 02 40 00 80     eth0") == nil)
    }
}

extension KernelTests {
    @Suite(.serialized)
    struct Listeners {
        /// Waits on every transport there is, by wildcard and by address, and stays.
        static let servers = """
            import socket,time
            def made(f,k,a,p,l):
             s=socket.socket(f,k); s.bind((a,p)); l and s.listen(); return s
            kept=[made(socket.AF_INET,socket.SOCK_STREAM,"0.0.0.0",25000,True),made(socket.AF_INET6,socket.SOCK_STREAM,"::",25001,True),
             made(socket.AF_INET,socket.SOCK_DGRAM,"0.0.0.0",25002,False),made(socket.AF_INET6,socket.SOCK_DGRAM,"::",25003,False)]
            c=made(socket.AF_INET,socket.SOCK_DGRAM,"127.0.0.1",25004,False); c.connect(("127.0.0.1",25002)); kept.append(c)
            kept.append(made(socket.AF_INET,socket.SOCK_STREAM,"0.0.0.0",25005,False))
            time.sleep(60)
            """

        @Test("sockets of this namespace and of another are found, each for its own addresses; who is connected or only bound is not")
        func namespaces() throws {
            let script = "/tmp/weir-t-listeners.py"
            try #require(shell("cat > \(script) <<'END'\n\(Self.servers)\nEND").status == 0)
            defer { shell("rm -f \(script)") }
            let own = try Namespace("listen-own")
            let pod = try Namespace("listen-pod")
            shell("ip -n \(pod.name) addr add 10.1.0.2/32 dev lo; ip -n \(pod.name) addr add fd01::2/128 dev lo nodad")
            let isReady = "for i in $(seq 100); do ss -Hlnu \"sport = :25003\" | grep -q 25003 && break; sleep 0.05; done"
            for namespace in [own.name, pod.name] {
                let (status, output) = shell("ip netns exec \(namespace) sh -c 'python3 \(script) >/dev/null 2>&1 & \(isReady)'")
                try #require(status == 0, "\(output)")
            }
            try own.run {
                let watch = ListenerWatch()
                let (namespaces, _) = watch.look()
                #expect(namespaces >= 1)
                let table = watch.table
                let v6 = address("::1")
                let pod6 = address("fd01::2")
                for (port, transport, isIPv4, isIPv6) in [
                    (25_000, 6, true, false), (25_001, 6, true, true), (25_002, 17, true, false), (25_003, 17, true, true),
                    (25_004, 17, false, false),
                    (25_005, 6, false, false),
                ] as [(UInt16, UInt8, Bool, Bool)] {
                    for (end, waits) in [
                        (ListenerTests.host, isIPv4), (v6, isIPv6), (ListenerTests.pod, isIPv4), (pod6, isIPv6), (ListenerTests.other, false),
                    ] {
                        let initiator = ListenerTests.initiator(table, end, port, transport)
                        #expect(initiator == (waits ? .destination : .unknown), "\(end) port \(port)")
                    }
                }
                #expect(watch.turn() >= ListenerWatch.pause)
            }
        }
    }
}

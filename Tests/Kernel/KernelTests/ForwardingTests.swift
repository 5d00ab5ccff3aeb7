// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import WeirCapture
import WeirKit

/// Docker's shape: container ─ veth ─ bridge with address ─ masquerade ─ uplink with a shaper ─ another host.
struct ContainerHost: ~Copyable {
    let container: Namespace
    let host: Namespace
    let other: Namespace

    init() throws {
        let container = try Namespace("cont")
        let host = try Namespace("host")
        let other = try Namespace("other")
        let c = container.name
        let h = host.name
        let o = other.name
        let (status, output) = shell(
            """
            ip -n \(h) link add u0 type veth peer name w0 netns \(o) && ip -n \(h) link add p1 type veth peer name w0 netns \(c) &&
            ip -n \(h) link add br0 type bridge && ip -n \(h) link set p1 master br0 &&
            ip -n \(h) addr add 10.9.0.1/24 dev u0 && ip -n \(h) addr add 10.8.0.1/24 dev br0 &&
            ip -n \(o) addr add 10.9.0.2/24 dev w0 && ip -n \(c) addr add 10.8.0.2/24 dev w0 &&
            for d in u0 p1 br0; do ip -n \(h) link set $d up; done; ip -n \(o) link set w0 up; ip -n \(c) link set w0 up
            ip -n \(c) route add default via 10.8.0.1 && ip netns exec \(h) sysctl -qw net.ipv4.ip_forward=1 &&
            ip netns exec \(h) nft 'add table ip n; add chain ip n p { type nat hook postrouting priority 100; }; add rule ip n p oifname u0 masquerade' &&
            ip netns exec \(h) tc qdisc add dev u0 root tbf rate 2gbit burst 1m latency 50ms
            """)
        try #require(status == 0, "\(output)")
        self.container = container
        self.host = host
        self.other = other
    }
}

extension KernelTests {
    @Suite(.serialized)
    struct Forwarding {
        @Test("forwarded, masqueraded traffic counts once, on all interfaces and on the uplink alone", arguments: Traffic.atDevices)
        func once(source: CaptureSource) throws {
            let hosts = try ContainerHost()
            let bridge = try hosts.host.exec("cat /sys/class/net/br0/address").split(separator: "\n").first.map(String.init) ?? ""
            try hosts.host.run {
                var all = try Capture.start(Traffic.plan(source: source), log: quiet)
                var plan = Traffic.plan(source: source)
                plan.interfaces = InterfaceFilter(include: [.exact("u0")])
                var uplink = try Capture.start(plan, log: quiet)
                #expect(all.facts.interfaces.map(\.name).sorted() == ["p1", "u0"])
                #expect(uplink.facts.interfaces.map(\.name) == ["u0"])

                _ = try hosts.other.exec("iperf3 -s -1 -D >/dev/null 2>&1; \(generator) hold 10.9.0.2 >/dev/null 2>&1 & sleep 0.3")
                let sent = try Traffic.sent(try hosts.container.exec("\(generator) raw w0 \(bridge) 10.9.0.2 50 100 200 20000 0"))
                _ = try hosts.container.exec("iperf3 -c 10.9.0.2 -t 2 >/dev/null")
                usleep(200_000)
                var everything = Tally()
                try everything.drain(&all, keep: true)
                var outside = Tally()
                try outside.drain(&uplink, keep: true)

                for tally in [everything, outside] {
                    #expect(tally.amount { $0.destinationPort == 9999 } == Amount(bytes: sent * 228, packets: sent))
                }
                // TCP, both ways: the sums agree though one saw 10.8.0.2 and the other 10.9.0.1.
                // A packet socket does not see at the uplink what the shaper drops.
                if source == .tc { #expect(everything.amount { $0.destinationPort == 5201 } == outside.amount { $0.destinationPort == 5201 }) }
                #expect(everything.amount { $0.sourcePort == 5201 } == outside.amount { $0.sourcePort == 5201 })
                #expect(everything.amount { $0.destinationPort == 5201 }.packets > 1000)
                #expect(everything.rows.filter { $0.destinationPort == 5201 }.allSatisfy { $0.source == address("10.8.0.2") })
                #expect(everything.rows.filter { $0.destinationPort == 5201 }.allSatisfy { $0.observer == .source })
                #expect(outside.rows.filter { $0.destinationPort == 5201 }.allSatisfy { $0.source == address("10.9.0.1") })
            }
        }
    }
}

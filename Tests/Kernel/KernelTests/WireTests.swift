// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CKernelTests
import Glibc
import PacketFrames
import Testing
import WeirCapture
import WeirKit

extension KernelTests {
    /// What only real devices do to packets: take a tag off, cut what is too large.
    @Suite(.serialized)
    struct OnTheWire {
        /// The frame's tags, from the outside: a device that receives takes the first into the packet's own fields, one that sends what
        /// a packet socket made leaves it in the frame. Two that are in the frame are read.
        @Test(
            "tags in the frame and beside it",
            arguments: [[], [0x8100], [0x88a8, 0x8100], [0x88a8, 0x8100, 0x8100], [0x8100, 0x8100, 0x8100, 0x8100]], Traffic.atDevices)
        func tags(_ tags: [UInt16], source: CaptureSource) throws {
            let wire = try Wire()
            var frame = Frame.udp(1000, 80, payload: 100).ipv4(17).ethernet(0x800, tags: tags).bytes
            frame.replaceSubrange(0..<6, with: Array(repeating: 0xff, count: 6))
            var sender = try wire.left.run { try Capture.start(Traffic.plan(source: source), log: quiet) }
            var receiver = try wire.right.run { try Capture.start(Traffic.plan(source: source), log: quiet) }
            try wire.left.run { #expect(unsafe test_send_frames("w0", frame, frame.count, 100) == 0) }
            usleep(50_000)
            let all = Amount(bytes: 12_800, packets: 100)
            for (isReceiver, inFrame) in [(false, tags.count), (true, max(0, tags.count - 1))] {
                var tally = Tally()
                if isReceiver { try tally.drain(&receiver, keep: true) } else { try tally.drain(&sender, keep: true) }
                let counted = tally.amount { $0.destination == address("10.4.5.6") && $0.destinationPort == 80 }
                #expect(counted == (inFrame <= 2 ? all : Amount()), "\(inFrame) tags in the frame")
                guard inFrame > 2 else { continue }
                // A third tag is no IP: it counts as that, with the bytes from there on.
                #expect(tally.book[.nonIP].packets >= 100 && tally.book[.nonIP].bytes >= 100 * UInt64(128 + 4 * (inFrame - 2)))
            }
        }

        /// VXLAN between the two hosts: 10.7.0.1 and 10.7.0.2 at its ends, its packets between 10.9.0.1 and 10.9.0.2. IPv6, which nobody
        /// asked for, would send a word now and then, between two readings.
        static func tunnel(_ wire: borrowing Wire) throws {
            for (me, other) in [(1, 2), (2, 1)] {
                let make = """
                    ip link add vx0 type vxlan id 7 local 10.9.0.\(me) remote 10.9.0.\(other) dstport 4789 noudpcsum; ip link set vx0 mtu 1450 addrgenmode none
                    ip addr add 10.7.0.\(me)/24 dev vx0; ip link set vx0 up
                    """
                _ = me == 1 ? try wire.left.exec(make) : try wire.right.exec(make)
            }
        }

        /// Holds each connection of the sender to so many bytes under way, so that they fit into what is between two devices when the
        /// receiver's CPU is away: 256 packets where it joins packets together, 1,000 otherwise. What is dropped there was sent and never
        /// arrives, and no two counts of it can be the same.
        static func bound(_ wire: borrowing Wire, underWay bytes: Int) throws {
            _ = try wire.left.exec("sysctl -qw \"net.ipv4.tcp_wmem=4096 16384 \(bytes)\"")
        }

        static func expectNoneDropped(_ wire: borrowing Wire) throws {
            let dropped = try wire.left.exec("cat /sys/class/net/w0/statistics/tx_dropped")
            #expect(dropped == "0\n", "packets dropped between the devices")
        }

        /// "counter packets 123 bytes 456" in what nft lists.
        static func counted(_ listing: String) throws -> Amount {
            let words = listing.split { $0 == " " || $0 == "\n" }
            let at = try #require(words.firstIndex(of: "counter"))
            return Amount(bytes: try #require(UInt64(words[at + 4])), packets: try #require(UInt64(words[at + 2])))
        }

        @Test("a super-packet in a tunnel counts as the packets that arrive, all headers in each", arguments: ["off", "on"], ["off", "on"])
        func tunnelled(offload: String, merging: String) throws {
            let wire = try Wire(offloads: true)
            try Self.tunnel(wire)
            try Self.bound(wire, underWay: 131_072)
            // The sender cuts in software, behind its egress hook.
            _ = try wire.left.exec("ethtool -K w0 tso off tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off gso \(offload)")
            _ = try wire.left.exec("ethtool -K vx0 tso \(offload) gso \(offload)")
            _ = try wire.right.exec("ethtool -K w0 gro \(merging)")
            _ = try wire.right.exec(
                "nft \"add table ip t; add chain ip t c { type filter hook prerouting priority 0; }; add rule ip t c udp dport 4789 counter\"")
            var plan = Traffic.plan()
            plan.tunnels = .outer
            var sender = try wire.left.run { try Capture.start(plan, log: quiet) }
            var receiver = try wire.right.run { try Capture.start(plan, log: quiet) }
            plan.countMode = .kernel
            var lengths = try wire.left.run { try Capture.start(plan, log: quiet) }
            _ = try wire.right.exec("\(generator) drain 10.7.0.2 2 >/dev/null 2>&1 & sleep 0.3")
            _ = try wire.left.exec("\(generator) pour 10.7.0.2 30000000 2 >/dev/null")
            usleep(300_000)
            var (sent, received, unscaled) = (Tally(), Tally(), Tally())
            try sent.drain(&sender, keep: true)
            try received.drain(&receiver, keep: true)
            try unscaled.drain(&lengths, keep: true)
            func outer(_ tally: Tally) -> Amount { tally.amount { $0.source == address("10.9.0.1") && $0.destinationPort == 4789 } }
            let arrived = try Self.counted(wire.right.exec("nft list chain ip t c"))
            try Self.expectNoneDropped(wire)
            // What was joined together again is joined for the firewall too.
            if merging == "off" { #expect(outer(sent) == arrived) }
            #expect(outer(received) == outer(sent))
            #expect(outer(sent).packets > 20_000)
            let average = outer(unscaled).bytes / max(1, outer(unscaled).packets)
            #expect((average > 3000) == (offload == "on"), "super-packets of \(average) bytes")
            print("VXLAN, offload \(offload), GRO \(merging): \(outer(sent).packets) packets in \(outer(unscaled).packets)")
        }

        @Test("BIG TCP: super-packets beyond 64 KiB count as the segments that arrive")
        func bigTCP() throws {
            let wire = try Wire(offloads: true)
            try Self.bound(wire, underWay: 1_300_000)
            // The sender cuts in software, behind its egress hook; the receiver joins nothing together again.
            _ = try wire.left.exec("ethtool -K w0 tso off; ip link set w0 gso_max_size 200000")
            _ = try wire.right.exec("ethtool -K w0 gro off tso off")
            _ = try wire.right.exec(
                "nft \"add table ip6 t; add chain ip6 t c { type filter hook prerouting priority 0; }; add rule ip6 t c tcp dport 9999 counter\"")
            // How large they are depends on how busy the CPUs are: some are beyond 64 KiB, and are counted here.
            let rule = "tcp dport 9999 meta length > 65575 counter"
            _ = try wire.left.exec(
                "nft \"add table ip6 t; add chain ip6 t c { type filter hook postrouting priority 0; }; add rule ip6 t c \(rule)\"")
            var plan = Traffic.plan()
            var capture = try wire.left.run { try Capture.start(plan, log: quiet) }
            plan.countMode = .kernel
            var lengths = try wire.left.run { try Capture.start(plan, log: quiet) }
            _ = try wire.right.exec("\(generator) drain fd09::2 >/dev/null 2>&1 & sleep 0.3")
            _ = try wire.left.exec("\(generator) pour fd09::2 200000000 >/dev/null")
            usleep(300_000)
            var tally = Tally()
            try tally.drain(&capture, keep: true)
            var kernel = Tally()
            try kernel.drain(&lengths, keep: true)
            let arrived = try Self.counted(wire.right.exec("nft list chain ip6 t c"))
            try Self.expectNoneDropped(wire)
            #expect(tally.amount { $0.destinationPort == 9999 } == arrived)
            let unscaled = kernel.amount { $0.destinationPort == 9999 }
            let large = try Self.counted(wire.left.exec("nft list chain ip6 t c"))
            #expect(large.packets > 100, "super-packets beyond 64 KiB: \(large.packets) of \(unscaled.packets)")
            print("BIG TCP: \(arrived.packets) segments of \(unscaled.packets) super-packets, \(large.packets) of them beyond 64 KiB")
        }
    }
}

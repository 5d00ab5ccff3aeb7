// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import PacketFrames
import PacketReplay
import Testing
import WeirCapture
import WeirTesting

extension KernelTests {
    /// One set of rules, two compilers: what bpf/parse.h says in the kernel it says in user space.
    @Suite(.serialized)
    struct Parser {
        static let tagChoices: [[UInt16]] = [[], [0x8100], [0x88a8, 0x8100], [0x8100, 0x8100, 0x8100]]

        struct PlanCase: CustomTestStringConvertible, Sendable {
            var testDescription: String
            var change: @Sendable (inout CapturePlan) -> Void
            var plan: CapturePlan {
                var plan = CapturePlan()
                change(&plan)
                return plan
            }
        }
        static let everything = PlanCase(testDescription: "everything") { $0.initiator = true }
        static let plans = [
            everything, PlanCase(testDescription: "ports") { _ in },
            PlanCase(testDescription: "transport") { $0.ports = false },
            PlanCase(testDescription: "hosts") { ($0.ports, $0.transport) = (false, false) },
            PlanCase(testDescription: "kernel lengths") { $0.countMode = .kernel },
        ]

        /// Layer 3 at byte 0, where bytes 12 and 13 (in the source address of both families) say its type.
        static func raw(_ sample: Sample) -> [UInt8] {
            var bytes = sample.packet.bytes
            while bytes.count < 14 { bytes.append(0) }
            bytes.replaceSubrange(12..<14, with: Frame.word(sample.etherType))
            return bytes
        }

        @Test("kernel and user space read the same in every edge", arguments: plans)
        func edges(_ given: PlanCase) throws {
            var devices = try ParserComparison(given.plan, source: .tc)
            var sockets = try ParserComparison(given.plan, source: .cgroup)
            var packets = try ParserComparison(given.plan, source: .socket)
            for sample in Sample.all {
                let gso = (sample.gsoSize, sample.gsoSegments)
                for tags in Self.tagChoices {
                    let frame = sample.packet.ethernet(sample.etherType, tags: tags).bytes
                    try devices.compare(frame, .uplinkEthernet, gso: gso, "\(sample.name), tags \(tags)")
                    try devices.compare(frame, .outEthernet, gso: gso, "\(sample.name), tags \(tags)")
                    try packets.compare(frame, .packetEthernet, gso: gso, "\(sample.name), tags \(tags)")
                }
                try devices.compare(Self.raw(sample), .uplinkRaw, gso: gso, sample.name)
                let frame = sample.packet.ethernet(sample.etherType).bytes
                try sockets.compare(frame, .socketOut, gso: gso, sample.name)
                try sockets.compare(frame, .socketIn, gso: gso, sample.name)
                try packets.compare(frame, .packetRaw, gso: gso, sample.name)
            }
            #expect(devices.counted > 5 * Sample.all.count)
            #expect(sockets.counted > Sample.all.count)
            #expect(packets.counted > 3 * Sample.all.count)
            #expect((devices.leftOut[.nonIP] ?? 0) > Sample.all.count)
            #expect((devices.leftOut[.malformed] ?? 0) > 200)
        }

        @Test("kernel and user space read the same in a packet that ends at any byte")
        func truncated() throws {
            var devices = try ParserComparison(Self.everything.plan, source: .tc)
            var sockets = try ParserComparison(Self.everything.plan, source: .cgroup)
            var packets = try ParserComparison(Self.everything.plan, source: .socket)
            // Of the many bodies of each transport the longest will do.
            for sample in Sample.all where sample.packet.bytes.count < 200 && (!sample.name.contains("protocol") || sample.name.hasSuffix("40 bytes"))
            {
                for tags in Self.tagChoices[..<3] {
                    let frame = sample.packet.ethernet(sample.etherType, tags: tags).bytes
                    for length in 14..<frame.count {
                        try devices.compare(Array(frame[..<length]), .uplinkEthernet, "\(sample.name), tags \(tags), \(length) bytes")
                        try packets.compare(Array(frame[..<length]), .packetEthernet, "\(sample.name), tags \(tags), \(length) bytes")
                        if tags.isEmpty { try sockets.compare(Array(frame[..<length]), .socketIn, "\(sample.name), \(length) bytes") }
                    }
                }
            }
            #expect(devices.counted > 10_000)
            #expect((devices.leftOut[.malformed] ?? 0) > 5000)
            #expect(sockets.counted > 3000)
            #expect(packets.counted > 10_000)
        }

        @Test("kernel and user space read the same in damaged packets", arguments: [SplitMix64.freshSeed])
        func damaged(seed: UInt64) throws {
            var random = SplitMix64(seed: seed)
            var devices = try ParserComparison(Self.everything.plan, source: .tc)
            var sockets = try ParserComparison(Self.everything.plan, source: .cgroup)
            var packets = try ParserComparison(Self.everything.plan, source: .socket)
            for round in 0..<40_000 {
                let sample = Sample.all[Int(random.next() % UInt64(Sample.all.count))]
                let hook = ParserComparison.Hook.allCases[Int(random.next() % UInt64(ParserComparison.Hook.allCases.count))]
                let tags = hook.source == .cgroup || hook == .packetRaw ? [] : Self.tagChoices[Int(random.next() % 4)]
                var frame = hook == .uplinkRaw ? Self.raw(sample) : sample.packet.ethernet(sample.etherType, tags: tags).bytes
                for _ in 0...random.next() % 4 {
                    // Where the headers are, mostly.
                    let reach = random.next() % 4 == 0 ? frame.count : min(frame.count, 80)
                    frame[Int(random.next() % UInt64(reach))] = UInt8(truncatingIfNeeded: random.next())
                }
                if random.next() % 4 == 0 { frame.removeLast(Int(random.next() % UInt64(frame.count - 13))) }
                let isSegmented = random.next() % 4 == 0
                let gso = isSegmented ? (UInt32(random.next() % 65_536), UInt32(random.next() % 5)) : (0, 0)
                let what = "round \(round) of seed \(seed): \(sample.name)"
                switch hook.source {
                case .cgroup: try sockets.compare(frame, hook, gso: gso, what)
                case .socket: try packets.compare(frame, hook, gso: gso, what)
                default: try devices.compare(frame, hook, gso: gso, what)
                }
            }
            #expect(devices.counted > 5000 && sockets.counted > 3000 && packets.counted > 3000, "seed \(seed)")
        }
    }
}

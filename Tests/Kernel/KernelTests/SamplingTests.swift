// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CKernelTests
import CWeirCapture
import PacketFrames
import Testing
import WeirCapture

extension KernelTests {
    /// Which packets are left out is chance; that every one is in the book is not.
    @Suite("sampling", .serialized)
    struct Sampling {
        private static let frame = Frame.udp(1000, 80, payload: 12).ipv4(17).ethernet(0x800)
        private static let devices = ["weir_uplink_eth", "weir_port_eth", "weir_out_eth", "weir_uplink_raw", "weir_port_raw", "weir_out_raw"]
        private static let sockets = ["weir_socket_in", "weir_socket_out"]
        private static let packets = ["weir_packet_uplink_eth", "weir_packet_port_eth"]

        private static func programs(of source: CaptureSource) -> [String] {
            switch source {
            case .cgroup: sockets
            case .socket: packets
            default: devices
            }
        }

        private static func runner(
            _ rate: Int, _ source: CaptureSource = .tc, _ change: (inout CapturePlan) -> Void = { _ in }
        ) throws -> ProgramRunner {
            var plan = CapturePlan()
            plan.sampling = rate
            change(&plan)
            return try ProgramRunner(plan, source: source)
        }

        /// Whether `hits` of `trials` is what chance brings, with one false alarm in 500 million runs.
        private static func isPlausible(_ hits: UInt64, of trials: Int, rate: Int) -> Bool {
            let (n, p) = (Double(trials), 1 / Double(rate))
            let off = Double(hits) - n * p
            return off * off <= 36 * n * p * (1 - p)
        }

        @Test("seen = counted + unsampled, to the byte, and one in n is counted, at every hook", arguments: devices + sockets + packets)
        func share(program: String) throws {
            let isRaw = program.hasSuffix("raw")
            for rate in [2, 10] {
                let runner = try Self.runner(rate, Self.sockets.contains(program) ? .cgroup : Self.packets.contains(program) ? .socket : .tc)
                let trials = 5000
                for _ in 0..<trials { try runner.feed(isRaw ? .init(bytes: Self.rawBytes) : Self.frame, program) }
                let book = try runner.drain().book
                #expect(book.seen == Amount(bytes: UInt64(trials) * 40, packets: UInt64(trials)), "\(program)")
                #expect(book.counted.bytes == 40 * book.counted.packets)
                #expect(book.counted + book[.unsampled] == book.seen)
                #expect(Self.isPlausible(book.counted.packets, of: trials, rate: rate), "\(program): \(book.counted) of \(trials), 1 in \(rate)")
            }
        }

        /// What the kernel calls an Ethernet header is the packet itself for these programs.
        private static var rawBytes: [UInt8] {
            var bytes = Frame.udp(1000, 80, payload: 12).ipv4(17).bytes
            bytes.replaceSubrange(12..<14, with: [8, 0])
            return bytes
        }

        @Test("one in one is all of them")
        func all() throws {
            let runner = try Self.runner(1)
            for _ in 0..<1000 { try runner.feed(Self.frame) }
            let book = try runner.drain().book
            #expect(book.inMap == Amount(bytes: 40_000, packets: 1000))
            #expect(book.notCounted == Amount())
        }

        @Test("a super-packet is one decision: what is left out is its segments, with their headers once")
        func superPackets() throws {
            let runner = try Self.runner(2)
            let frame = Frame.tcp(1000, 80, payload: 300).ipv4(6).ethernet(0x800)
            let context = test_context(ifindex: 0, ingress_ifindex: 0, gso_size: 100, gso_segs: 3)
            for _ in 0..<2000 { try runner.feed(frame, "weir_uplink_eth", context) }
            let book = try runner.drain().book
            let (counted, left) = (book.counted.packets / 3, book[.unsampled].packets / 3)
            #expect(counted + left == 2000)
            #expect(book.counted == Amount(bytes: counted * 420, packets: counted * 3))
            #expect(book[.unsampled] == Amount(bytes: left * 340, packets: left * 3))
            #expect(Self.isPlausible(counted, of: 2000, rate: 2))
        }

        @Test("kernel lengths are those of what is left out too")
        func kernelLengths() throws {
            let runner = try Self.runner(2) { $0.countMode = .kernel }
            let context = test_context(ifindex: 0, ingress_ifindex: 0, gso_size: 100, gso_segs: 3)
            for _ in 0..<500 { try runner.feed(Self.frame, "weir_uplink_eth", context) }
            #expect(try runner.drain().book.seen == Amount(bytes: 500 * 54, packets: 500))
        }

        @Test("what is no IP is left out like all else, or counted as no IP")
        func strangers() throws {
            let runner = try Self.runner(4)
            for _ in 0..<4000 { try runner.feed(Frame.payload(28).ethernet(0x806)) }
            let book = try runner.drain().book
            #expect(book[.nonIP] + book[.unsampled] == Amount(bytes: 4000 * 28, packets: 4000))
            #expect(Self.isPlausible(book[.nonIP].packets, of: 4000, rate: 4))
        }

        @Test("fragments are decided one by one: those behind a first one that was left out count without ports")
        func fragments() throws {
            let runner = try Self.runner(2)
            for number in 0..<500 {
                for place in [UInt16(0), 1] { try runner.feed(KernelTests.Fragments.four(place, UInt16(number))) }
            }
            let outcome = try runner.drain()
            let sums = KernelTests.Fragments.sums(outcome)
            let orphans = sums["0>0/17"]?.packets ?? 0
            #expect(Set(sums.keys) == ["1000>80/17", "0>0/17"], "no other ports than those of the first one, or none")
            #expect(orphans == outcome.book.orphanFragments)
            // Of the second ones a half is counted, and of these a half has its first one.
            #expect(Self.isPlausible(orphans, of: 500, rate: 4))
        }

        @Test("every plan loads with sampling", arguments: [CaptureSource.tc, .cgroup, .socket], [false, true])
        func loads(source: CaptureSource, kernelLengths: Bool) throws {
            for bits in 0..<32 {
                let runner = try Self.runner(100, source) { plan in
                    plan.ports = bits & 1 != 0
                    plan.transport = bits & 2 != 0
                    plan.owner = bits & 4 != 0
                    plan.interface = bits & 8 != 0
                    plan.initiator = bits & 16 != 0
                    plan.countMode = kernelLengths ? .kernel : .wire
                }
                for program in Self.programs(of: source) where !program.hasSuffix("raw") { try runner.feed(Self.frame, program) }
                _ = try runner.drain()
            }
        }
    }
}

@Suite("the share that is sampled")
struct SamplingShareTests {
    @Test("is one in n, but for less than one in a hundred thousand of it", arguments: [1, 2, 3, 7, 10, 100, 1000, 9999, 65_535, 65_536])
    func share(rate: Int) {
        var plan = CapturePlan()
        plan.sampling = rate
        guard rate > 1 else {
            #expect(plan.sampleBelow == 0)
            return
        }
        let share = Double(plan.sampleBelow) / 4_294_967_296
        #expect(abs(share * Double(rate) - 1) < 1e-5)
    }
    @Test("is read back from what lies beside pinned maps")
    func pinned() {
        var plan = CapturePlan()
        for rate in 1...CapturePlan.maxSampling {
            plan.sampling = rate
            var record = capture_layout()
            record.config.sample_below = plan.sampleBelow
            guard PinLayout(record).samplingRate == rate else {
                Issue.record("\(rate) comes back as \(PinLayout(record).samplingRate)")
                return
            }
        }
    }
}

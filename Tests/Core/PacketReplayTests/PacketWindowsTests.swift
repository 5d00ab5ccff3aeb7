// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import PacketFile
import PacketFrames
import PacketReplay
import Testing
import WeirCapture
import WeirKit
import WeirTesting

@Suite struct PacketWindowsTests {
    static let second: UInt64 = 1_000_000_000
    static let start: UInt64 = 1_700_000_000 * second

    /// Every window, what was read, and how it ended.
    static func replay(_ bytes: [UInt8], _ options: ReplayOptions = ReplayOptions()) -> (
        windows: [FlowWindow], summary: PacketSummary?, error: PacketFileError?
    ) {
        var windows: [FlowWindow] = []
        do throws(PacketFileError) {
            var replay = try PacketWindows.open(bytes: bytes, options)
            do throws(PacketFileError) {
                while let window = try replay.next() { windows.append(window) }
            } catch {
                let isOver: Bool
                do { isOver = try replay.next() == nil } catch { isOver = false }
                #expect(isOver, "it throws once, then is at its end")
                return (windows, replay.summary, error)
            }
            return (windows, replay.summary, nil)
        } catch { return (windows, nil, error) }
    }

    static func text(_ flow: CapturedFlow) -> String {
        "\(flow.source):\(flow.sourcePort)>\(flow.destination):\(flow.destinationPort)/\(flow.transport) \(flow.bytes)/\(flow.packets) \(flow.observer)"
    }

    /// What must hold of any replay.
    static func check(_ windows: [FlowWindow], _ summary: PacketSummary, _ where_: String) {
        var before: UInt64 = 0
        for window in windows {
            #expect(window.book.isBalanced, "\(where_)")
            let sum = window.flows.reduce(into: Amount()) { $0 += Amount(bytes: $1.bytes, packets: $1.packets) }
            #expect(sum == window.book.inMap, "\(where_)")
            #expect(window.range.lowerBound >= before, "\(where_)")
            before = window.range.lowerBound
        }
        let seen = windows.reduce(into: KernelBook()) { $0 += $1.book }
        #expect(seen.seen.packets == summary.packets, "\(where_)")
        #expect(windows.count { $0.isEarly } == Int(summary.earlyWindows), "\(where_)")
    }

    static func udp(_ source: UInt16, _ destination: UInt16, payload: Int = 0) -> [UInt8] {
        Frame.udp(source, destination, payload: payload).ipv4(17).ethernet(0x800).bytes
    }

    @Test("packets of one window add up to flows, in the order of their keys")
    func oneWindow() {
        var file = CaptureFile()
        file.add(Self.udp(2000, 80, payload: 10), at: Self.start + 1)
        file.add(Self.udp(1000, 80, payload: 20), at: Self.start + 2)
        file.add(Self.udp(2000, 80, payload: 30), at: Self.start + 3)
        file.add(Frame.payload(28).ethernet(0x806).bytes, at: Self.start + 4)
        file.add(Frame.payload(4).ethernet(0x800).bytes, at: Self.start + 4)
        let (windows, summary, error) = Self.replay(file.bytes)
        #expect(error == nil)
        #expect(windows.count == 1)
        #expect(windows.first?.range == Self.start..<Self.start + 5 * Self.second)
        #expect(
            windows.first?.flows.map(Self.text) == [
                "10.1.2.3:1000>10.4.5.6:80/17 48/1 transit", "10.1.2.3:2000>10.4.5.6:80/17 96/2 transit",
            ])
        #expect(windows.first?.book[.nonIP] == Amount(bytes: 28, packets: 1))
        #expect(windows.first?.book[.malformed] == Amount(bytes: 4, packets: 1))
        #expect(summary?.times == Self.start + 1...Self.start + 4)
        if let summary { Self.check(windows, summary, "one window") }
    }

    @Test("windows end at whole multiples of their length, and windows without packets are left out")
    func windows() {
        var file = CaptureFile(.pcapng)
        let times: [UInt64] = [7, 9_999, 10_000, 86_400_000]
        for time in times { file.add(Self.udp(1000, 80), at: Self.start + time * 1_000_000) }
        let (windows, _, _) = Self.replay(file.bytes)
        #expect(windows.map(\.range.lowerBound) == [0, 5, 10, 86_400].map { Self.start + $0 * Self.second })
        #expect(windows.allSatisfy { $0.range.count == 5_000_000_000 && !$0.isEarly })
        let minute = Self.replay(file.bytes, ReplayOptions(window: .seconds(60))).windows
        // 1,700,000,000 is 20 s past a minute.
        #expect(minute.map(\.range.lowerBound) == [Self.start - 20 * Self.second, Self.start + 86_380 * Self.second])
    }

    @Test("a late packet counts in the window that is open, never back")
    func late() {
        var file = CaptureFile()
        for time in [1, 6, 4, 7, 0] { file.add(Self.udp(1000, 80), at: Self.start + UInt64(time) * Self.second) }
        let (windows, summary, _) = Self.replay(file.bytes)
        #expect(windows.map(\.book.inMap.packets) == [1, 4])
        #expect(summary?.late == 2)
        if let summary { Self.check(windows, summary, "late") }
    }

    @Test("a full table is handed on early, and nothing is lost")
    func early() {
        var file = CaptureFile()
        for port in 0..<100 { file.add(Self.udp(UInt16(1000 + port % 40), 80), at: Self.start + UInt64(port) * 1_000_000) }
        var options = ReplayOptions()
        options.capture.maxFlows = 16
        let (windows, summary, _) = Self.replay(file.bytes, options)
        #expect(windows.allSatisfy { $0.flows.count <= 16 })
        #expect(windows.dropLast().allSatisfy { $0.isEarly && $0.range.lowerBound == Self.start })
        #expect(windows.last?.isEarly == false)
        #expect(windows.reduce(0) { $0 + $1.book.inMap.packets } == 100)
        // Up to the packet that found no room; that one begins the rest.
        #expect(windows.first?.range == Self.start..<Self.start + 15_000_001)
        if let summary { Self.check(windows, summary, "early") }
    }

    @Test("a window that is handed on early reaches to its last packet, also one that has no flow")
    func earlyRange() {
        var file = CaptureFile()
        var options = ReplayOptions()
        options.capture.maxFlows = 2
        file.add(Self.udp(1000, 80), at: Self.start)
        file.add(Self.udp(1001, 80), at: Self.start + 1)
        file.add(Frame.payload(4).ethernet(0x800).bytes, at: Self.start + 7)
        file.add(Frame.payload(28).ethernet(0x806).bytes, at: Self.start + 8)
        file.add([1, 2], at: Self.start + 9)
        file.add(Self.udp(1002, 80), at: Self.start + 20)
        let (windows, summary, _) = Self.replay(file.bytes, options)
        #expect(windows.map(\.range) == [Self.start..<Self.start + 10, Self.start..<Self.start + 5 * Self.second])
        #expect(windows.first?.book.seen.packets == 5)
        if let summary { Self.check(windows, summary, "early range") }
    }

    @Test("one stamp in the future makes what follows late, and is found")
    func leap() {
        func summary(_ seconds: [UInt64]) -> PacketSummary? {
            var file = CaptureFile()
            for second in seconds { file.add(Self.udp(1000, 80), at: Self.start + second * Self.second) }
            return Self.replay(file.bytes).summary
        }
        let leapt = summary([0, 1, 100_000] + (2..<30) + [200_000, 40])
        #expect(leapt?.leap.map { [$0.packet, $0.late] } == [3, 28])
        #expect(leapt?.late == 29 && leapt?.isMostlyLate == true)
        // Out of order here and there.
        let shuffled = summary((0..<200).map { $0 % 20 == 0 ? $0 * 6 + 12 : $0 * 6 })
        #expect((shuffled?.late ?? 0) > 3 && shuffled?.isMostlyLate == false, "\(shuffled as Any)")
        #expect(summary([0, 6, 12])?.leap == nil)
    }

    @Test("a file that is cut gives its last window before the error")
    func cut() {
        var file = CaptureFile()
        file.add(Self.udp(1000, 80), at: Self.start)
        file.add(Self.udp(1000, 80), at: Self.start)
        let (windows, summary, error) = Self.replay(Array(file.bytes.dropLast(3)))
        #expect(windows.map(\.book.inMap) == [Amount(bytes: 28, packets: 1)])
        guard case .broken(packet: 2, _) = error?.reason else { Issue.record("\(error as Any)"); return }
        #expect(summary?.packets == 1)
    }

    @Test("the key has what the plan needs and nothing else")
    func projection() {
        var file = CaptureFile(linkType: 276)
        for (interface, port) in [(3, 1000), (4, 1001), (4, 1002)] {
            let header: [UInt8] = [8, 0, 0, 0, 0, 0, 0, UInt8(interface), 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0]
            file.add(header + Frame.tcp(UInt16(port), 80, flags: 2).ipv4(6).bytes, at: Self.start)
        }
        func flows(_ change: (inout CapturePlan) -> Void) -> [CapturedFlow] {
            var options = ReplayOptions()
            change(&options.capture)
            return Self.replay(file.bytes, options).windows.flatMap(\.flows)
        }
        #expect(flows { _ in }.map(Self.text) == (1000...1002).map { "10.1.2.3:\($0)>10.4.5.6:80/6 40/1 source" })
        #expect(flows { $0.ports = false }.map(Self.text) == ["10.1.2.3:0>10.4.5.6:0/6 120/3 source"])
        let hosts = flows { ($0.ports, $0.transport, $0.interface) = (false, false, true) }
        #expect(hosts.map { "\($0.transport) \($0.interfaceIndex) \($0.packets)" } == ["0 3 1", "0 4 2"])
        // The initiator brings the ports along.
        let opened = flows { ($0.ports, $0.transport, $0.initiator) = (false, false, true) }
        #expect(opened.map(\.initiator) == [.source, .source, .source])
        #expect(opened.allSatisfy { $0.initiatorSource == .handshake && $0.sourcePort != 0 })
        // Two bytes of link header more than the device had are not counted.
        #expect(flows { ($0.ports, $0.countMode) = (false, .kernel) }.map(\.bytes) == [3 * 54])
    }

    @Test("a handshake is remembered in later windows, for both ways")
    func initiator() {
        var file = CaptureFile(linkType: 101)
        let forth = Frame.tcp(80, 1000, flags: 2).ipv4(6).bytes
        var back = Frame.tcp(1000, 80).ipv4(6).bytes
        back.replaceSubrange(12..<20, with: [10, 4, 5, 6, 10, 1, 2, 3])
        file.add(forth, at: Self.start)
        file.add(back, at: Self.start + 6 * Self.second)
        var options = ReplayOptions()
        options.capture.initiator = true
        let flows = Self.replay(file.bytes, options).windows.flatMap(\.flows)
        #expect(flows.map(\.initiator) == [.source, .destination])
    }

    @Test("the observer follows from --local, else from packet types")
    func observer() {
        let loopback = Frame(bytes: Array(Frame.udp(1, 2).ipv4(17).bytes[..<12]) + [127, 0, 0, 1, 127, 0, 0, 1] + Frame.udp(1, 2).bytes)
        let frame = Frame.udp(1, 2).ipv4(17)
        func observers(_ packetType: UInt16, hardware: UInt16 = 1, _ frame: Frame, local: [String] = []) -> String {
            var file = CaptureFile(linkType: 113)
            file.add(
                Frame.word(packetType) + Frame.word(hardware) + Frame.word(6) + [0, 0, 0, 0, 0, 0, 0, 0] + Frame.word(0x800) + frame.bytes,
                at: Self.start)
            return Self.replay(file.bytes, ReplayOptions(local: local.map { CIDR($0)! })).windows.flatMap(\.flows).map {
                "\($0.observer)\($0.sourceIsHost ? " from host" : "")\($0.destinationIsHost ? " to host" : "")"
            }.joined()
        }
        #expect(observers(4, frame) == "source")
        #expect(observers(0, frame) == "destination")
        #expect(observers(3, frame) == "transit")
        #expect(observers(1, frame) == "transit")
        #expect(observers(0, hardware: 772, frame) == "both")
        #expect(observers(0, hardware: 772, loopback) == "both from host to host")
        // Addresses win over packet types.
        #expect(observers(0, frame, local: ["10.1.2.0/24"]) == "source from host")
        #expect(observers(4, frame, local: ["10.4.5.6"]) == "destination to host")
        #expect(observers(4, frame, local: ["10.0.0.0/8"]) == "both from host to host")
        #expect(observers(4, frame, local: ["192.0.2.0/24"]) == "transit")
    }

    @Test("for any file: windows + not counted = seen", arguments: [SplitMix64.freshSeed])
    func law(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for round in 0..<100 {
            var file = CaptureFile(round % 2 == 0 ? .pcap() : .pcapng)
            var lengths: UInt64 = 0
            var time = Self.start
            for _ in 0..<200 {
                let sample = Sample.all[Int(random.next() % UInt64(Sample.all.count))]
                var frame = sample.packet.ethernet(sample.etherType, tags: [[], [0x8100], [0x88a8, 0x8100]][Int(random.next() % 3)])
                for _ in 0..<random.next() % 3 {
                    frame.bytes[Int(random.next() % UInt64(frame.bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                }
                let length = frame.bytes.count
                if random.next() % 4 == 0 { frame.bytes.removeLast(Int(random.next() % UInt64(length))) }
                time = random.next() % 10 == 0 ? time - random.next() % Self.second : time + random.next() % Self.second
                file.add(frame.bytes, at: time, length: length)
                lengths += UInt64(length)
            }
            var options = ReplayOptions()
            options.capture.maxFlows = 1 + Int(random.next() % 64)
            options.capture.initiator = random.next() % 2 == 0
            options.capture.ports = random.next() % 2 == 0
            options.local = random.next() % 2 == 0 ? [CIDR("10.1.0.0/16")!] : []
            let (windows, summary, error) = Self.replay(file.bytes, options)
            #expect(error == nil, "seed \(seed)")
            #expect(summary?.packets == 200, "seed \(seed)")
            if let summary { Self.check(windows, summary, "seed \(seed)") }
            // What counts is at most what was on the wire.
            #expect(windows.reduce(0) { $0 + $1.book.seen.bytes } <= lengths, "seed \(seed)")
            // Deterministic.
            let again = Self.replay(file.bytes, options).windows
            #expect(windows.flatMap(\.flows).map(Self.text) == again.flatMap(\.flows).map(Self.text), "seed \(seed)")
        }
    }
}

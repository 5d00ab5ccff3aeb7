// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import PacketFile
import PacketReplay
import Testing
import WeirCapture
import WeirKit

/// Files that tcpdump and dumpcap made of the same traffic.
@Suite struct RecordedTests {
    static let files = ["any-sll.pcap", "any-sll2.pcap", "two-interfaces.pcapng"]

    static func replay(_ file: String, _ options: ReplayOptions) throws -> (flows: [CapturedFlow], book: KernelBook, summary: PacketSummary) {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        var replay = try PacketWindows.open(path: "/\(folder)/Captures/\(file)", options)
        var flows: [CapturedFlow] = []
        var book = KernelBook()
        while let window = try replay.next() {
            flows += window.flows
            book += window.book
        }
        return (flows, book, replay.summary)
    }

    static let local = ["10.9.0.1", "fd00:9::1", "fe80::1051:37ff:fefd:5d5a"].map { CIDR($0)! }

    @Test("however the packets were recorded, they are the same flows", arguments: [CountMode.wire, .kernel])
    func same(_ mode: CountMode) throws {
        var options = ReplayOptions(window: .seconds(60), local: Self.local)
        // What cuts a packet may cut its ports, never its length.
        (options.capture.ports, options.capture.countMode) = (false, mode)
        let texts = try Self.files.map { file in try Self.replay(file, options).flows.map(PacketWindowsTests.text) }
        #expect(texts[0] == texts[1])
        #expect(texts[0] == texts[2])
        let loopback = mode == .wire ? "168/2" : "196/2"
        #expect(texts[0].contains("127.0.0.1:0>127.0.0.1:0/1 \(loopback) both"))
        #expect(texts[0].count == 12)
    }

    @Test("each packet is counted or is no IP", arguments: files)
    func book(_ file: String) throws {
        let (flows, book, summary) = try Self.replay(file, ReplayOptions())
        #expect(summary.packets == 18)
        #expect(book.seen.packets == 18)
        #expect(book[.nonIP] == Amount(bytes: 2 * 28, packets: 2))
        #expect(book.inMap.packets == 16)
        #expect(flows.reduce(0) { $0 + $1.bytes } == book.inMap.bytes)
        #expect(book.isBalanced)
    }

    @Test("packet types tell the observer as the host's addresses do, but for groups")
    func observers() throws {
        let told = try Self.replay("any-sll.pcap", ReplayOptions(window: .seconds(60), local: Self.local)).flows.map(PacketWindowsTests.text)
        let typed = try Self.replay("any-sll.pcap", ReplayOptions(window: .seconds(60))).flows.map(PacketWindowsTests.text)
        #expect(Set(told) == Set(typed))
        #expect(typed.contains("10.9.0.1:36827>10.9.0.2:9/17 34/1 source"))
        #expect(typed.contains("10.9.0.2:3>10.9.0.1:3/1 62/1 destination"))
    }

    @Test("the cooked format that knows interfaces tells lo from the other")
    func interfaces() throws {
        var options = ReplayOptions(window: .seconds(60))
        options.capture.interface = true
        let flows = try Self.replay("any-sll2.pcap", options).flows
        #expect(Set(flows.map(\.interfaceIndex)) == [1, 2])
        #expect(flows.allSatisfy { ($0.interfaceIndex == 1) == $0.source.isLoopback })
    }
}

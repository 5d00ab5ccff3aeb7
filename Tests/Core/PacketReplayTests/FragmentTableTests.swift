// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import PacketFrames
import PacketParser
import PacketReplay
import Testing
import WeirCapture
import WeirKit

@Suite struct FragmentTableTests {
    static let second: UInt64 = 1_000_000_000

    /// A fragment of 28 bytes; the first one has the ports.
    static func fragment(_ place: UInt16, _ identification: UInt16) -> [UInt8] {
        (place == 0 ? Frame.udp(1000, 80) : Frame.payload(8)).ipv4(17, fragment: 0x2000 | place, identification: identification).bytes
    }

    /// Ports of what a table makes of fragments, 0 without.
    static func ports(_ fragments: [(place: UInt16, identification: UInt16, time: UInt64)], _ table: inout FragmentTable) -> [UInt16] {
        fragments.map { place, identification, time in
            let bytes = Self.fragment(place, identification)
            var packet = PacketParser().parse(bytes.span, PacketShape(wireLength: UInt32(bytes.count), linkHeader: 0, etherType: 0x800))
            let isKnown = packet.fragment.map { table.join(&packet, $0, at: time) }
            #expect(isKnown == (packet.destinationPort != 0))
            return packet.destinationPort
        }
    }

    @Test("a first fragment is known for thirty seconds")
    func time() {
        var table = FragmentTable()
        #expect(Self.ports([(0, 1, 0), (1, 1, 30 * Self.second), (2, 1, 30 * Self.second + 1)], &table) == [80, 80, 0])
        // A packet file's clock may go back.
        #expect(Self.ports([(0, 2, 9), (1, 2, 8)], &table) == [80, 80])
    }

    @Test("at least the last 4096 datagrams are known, and at most twice as many")
    func bound() {
        var table = FragmentTable()
        let firsts = (UInt16(1)...9000).map { (place: UInt16(0), identification: $0, time: UInt64(0)) }
        _ = Self.ports(firsts, &table)
        // The latest first: what is asked for is remembered anew.
        let known = Self.ports(firsts.reversed().map { (1, $0.identification, 0) }, &table)
        #expect(known.prefix(4096).allSatisfy { $0 == 80 })
        #expect(known.suffix(9000 - 8192).allSatisfy { $0 == 0 })
    }

    @Test("in a packet file: one flow for a datagram, and those without a first are in the book")
    func file() throws {
        var file = CaptureFile(linkType: 101)
        for (place, identification) in [(UInt16(0), UInt16(1)), (1, 1), (2, 1), (1, 2), (0, 2)] {
            file.add(Self.fragment(place, identification), at: Self.second)
        }
        for wantsPorts in [true, false] {
            var capture = CapturePlan()
            capture.ports = wantsPorts
            var windows = try PacketWindows.open(bytes: file.bytes, ReplayOptions(capture: capture))
            let window = try #require(try windows.next())
            #expect(window.book.isBalanced)
            #expect(window.book.orphanFragments == (wantsPorts ? 1 : 0))
            #expect(window.flows.map { [UInt64($0.destinationPort), $0.packets] } == (wantsPorts ? [[0, 1], [80, 4]] : [[0, 5]]))
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import PacketFile
import PacketFrames
import Testing

/// Each link type: where layer 3 begins, what it is, and what else the header says.
@Suite struct LinkLayerTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var type: LinkType
        var bytes: [UInt8]
        /// Where layer 3 begins; nil: too short.
        var network: Int?
        var etherType: UInt16 = 0
        var header: UInt32 = 0
        var direction = LinkLayer.Direction.unknown
        var interface: UInt32 = 0
    }

    static let stations: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]
    static let address: [UInt8] = [2, 0, 0, 0, 0, 1, 0, 0]

    static func cooked(_ packet: UInt16, hardware: UInt16 = 1, _ etherType: UInt16 = 0x800) -> [UInt8] {
        Frame.word(packet) + Frame.word(hardware) + Frame.word(6) + address + Frame.word(etherType)
    }

    static func cooked2(_ packet: UInt8, hardware: UInt16 = 1, _ etherType: UInt16 = 0x86dd, interface: [UInt8] = [0, 1, 2, 3]) -> [UInt8] {
        Frame.word(etherType) + [0, 0] + interface + Frame.word(hardware) + [packet, 6] + address
    }

    static let cases = [
        Case(testDescription: "Ethernet", type: .ethernet, bytes: stations + [8, 0], network: 14, etherType: 0x800, header: 14),
        Case(testDescription: "Ethernet, ARP", type: .ethernet, bytes: stations + [8, 6], network: 14, etherType: 0x806, header: 14),
        // The first tag is taken off; the second is the parser's.
        Case(testDescription: "a tag", type: .ethernet, bytes: stations + [0x81, 0, 0, 42, 0x86, 0xdd], network: 18, etherType: 0x86dd, header: 14),
        Case(
            testDescription: "two tags", type: .ethernet, bytes: stations + [0x88, 0xa8, 0, 42, 0x81, 0, 0, 43, 8, 0], network: 18, etherType: 0x8100,
            header: 14),
        Case(testDescription: "half a tag", type: .ethernet, bytes: stations + [0x81, 0, 0, 42, 8], network: 14, etherType: 0x8100, header: 14),
        Case(testDescription: "13 bytes of Ethernet", type: .ethernet, bytes: stations + [8], network: nil),
        Case(testDescription: "raw IPv4", type: .raw, bytes: [0x45], network: 0, etherType: 0x800),
        Case(testDescription: "raw IPv6", type: .raw, bytes: [0x60], network: 0, etherType: 0x86dd),
        Case(testDescription: "raw something", type: .raw, bytes: [0x55], network: 0, etherType: 0),
        Case(testDescription: "raw nothing", type: .raw, bytes: [], network: nil),
        Case(testDescription: "IPv4 by type", type: .ipv4, bytes: [], network: 0, etherType: 0x800),
        Case(testDescription: "IPv6 by type", type: .ipv6, bytes: [], network: 0, etherType: 0x86dd),
        Case(testDescription: "null, little-endian IPv4", type: .null, bytes: [2, 0, 0, 0], network: 4, etherType: 0x800),
        Case(testDescription: "null, big-endian IPv4", type: .null, bytes: [0, 0, 0, 2], network: 4, etherType: 0x800),
        Case(testDescription: "null, IPv6 of Darwin", type: .null, bytes: [30, 0, 0, 0], network: 4, etherType: 0x86dd),
        Case(testDescription: "null, IPv6 of Linux, big-endian", type: .null, bytes: [0, 0, 0, 10], network: 4, etherType: 0x86dd),
        Case(testDescription: "null, another family", type: .null, bytes: [7, 0, 0, 0], network: 4, etherType: 0),
        Case(testDescription: "null, cut", type: .null, bytes: [2, 0, 0], network: nil),
        Case(testDescription: "loop", type: .loop, bytes: [0, 0, 0, 24], network: 4, etherType: 0x86dd),
        Case(testDescription: "loop has one byte order", type: .loop, bytes: [2, 0, 0, 0], network: 4, etherType: 0),
        Case(testDescription: "PPP IPv4", type: .ppp, bytes: [0, 0x21], network: 2, etherType: 0x800),
        Case(testDescription: "PPP IPv4 in one byte", type: .ppp, bytes: [0x21], network: 1, etherType: 0x800),
        Case(testDescription: "PPP IPv6 with address and control", type: .ppp, bytes: [0xff, 3, 0, 0x57], network: 4, etherType: 0x86dd),
        Case(testDescription: "PPP, control protocol", type: .pppSerial, bytes: [0xff, 3, 0xc0, 0x21], network: 4, etherType: 0),
        Case(testDescription: "PPP, cut", type: .ppp, bytes: [0xff, 3], network: nil),
        Case(testDescription: "Cisco HDLC", type: .ciscoHDLC, bytes: [0x0f, 0, 8, 0], network: 4, etherType: 0x800),
        Case(testDescription: "Cisco HDLC, cut", type: .ciscoHDLC, bytes: [0x0f, 0, 8], network: nil),
        Case(testDescription: "cooked, to us", type: .linuxCooked, bytes: cooked(0), network: 16, etherType: 0x800, header: 14, direction: .incoming),
        Case(
            testDescription: "cooked, broadcast", type: .linuxCooked, bytes: cooked(1), network: 16, etherType: 0x800, header: 14, direction: .group),
        Case(
            testDescription: "cooked, multicast", type: .linuxCooked, bytes: cooked(2), network: 16, etherType: 0x800, header: 14, direction: .group),
        Case(
            testDescription: "cooked, other host", type: .linuxCooked, bytes: cooked(3), network: 16, etherType: 0x800, header: 14,
            direction: .passing),
        Case(
            testDescription: "cooked, outgoing", type: .linuxCooked, bytes: cooked(4), network: 16, etherType: 0x800, header: 14, direction: .outgoing
        ),
        Case(testDescription: "cooked, a type to come", type: .linuxCooked, bytes: cooked(9), network: 16, etherType: 0x800, header: 14),
        Case(
            testDescription: "cooked, loopback", type: .linuxCooked, bytes: cooked(0, hardware: 772), network: 16, etherType: 0x800, header: 14,
            direction: .loopback),
        Case(
            testDescription: "cooked, tun", type: .linuxCooked, bytes: cooked(4, hardware: 65_534), network: 16, etherType: 0x800, header: 0,
            direction: .outgoing),
        Case(
            testDescription: "cooked, netlink's family 0x800 is no IP", type: .linuxCooked, bytes: cooked(4, hardware: 824), network: 16,
            etherType: 0,
            direction: .outgoing),
        Case(
            testDescription: "cooked, tagged", type: .linuxCooked, bytes: cooked(0, 0x8100) + [0, 42, 0x86, 0xdd], network: 20, etherType: 0x86dd,
            header: 14, direction: .incoming),
        Case(testDescription: "cooked, cut", type: .linuxCooked, bytes: cooked(0).dropLast(), network: nil),
        Case(
            testDescription: "cooked 2", type: .linuxCooked2, bytes: cooked2(4), network: 20, etherType: 0x86dd, header: 14, direction: .outgoing,
            interface: 0x0001_0203),
        Case(
            testDescription: "cooked 2, ppp", type: .linuxCooked2, bytes: cooked2(0, hardware: 512, 0x800), network: 20, etherType: 0x800, header: 0,
            direction: .incoming, interface: 0x0001_0203),
        Case(testDescription: "cooked 2, cut", type: .linuxCooked2, bytes: cooked2(0).dropLast(), network: nil),
    ]

    @Test("a link header says where layer 3 begins and what it is", arguments: cases)
    func header(_ given: Case) {
        let layer = LinkLayer(given.bytes.span, given.type)
        #expect(layer.map { $0.skipped + Int($0.header) } == given.network)
        guard let layer, given.network != nil else { return }
        #expect(layer.etherType == given.etherType)
        #expect(layer.header == given.header)
        #expect(layer.direction == given.direction)
        #expect(layer.interfaceIndex == given.interface)
    }

    @Test("each link type has a case and a name that libpcap knows it by")
    func complete() {
        for type in LinkType.allCases { #expect(Self.cases.contains { $0.type == type }, "\(type)") }
        #expect(LinkType.names == "C_HDLC, EN10MB, IPV4, IPV6, LINUX_SLL, LINUX_SLL2, LOOP, NULL, PPP, PPP_SERIAL, RAW")
    }
}

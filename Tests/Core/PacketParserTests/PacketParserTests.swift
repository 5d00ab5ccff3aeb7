// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import PacketFrames
import PacketParser
import Testing
import WeirKit

/// What only user space knows: packets that a capture cut. That both halves read alike is compared in the kernel tests.
@Suite struct PacketParserTests {
    static func parse(_ sample: Sample, captured: Int? = nil, _ parser: PacketParser = PacketParser(initiator: true)) -> ParsedPacket {
        let bytes = sample.packet.bytes
        var shape = PacketShape(wireLength: UInt32(bytes.count), linkHeader: 0, etherType: sample.etherType)
        shape.segmentSize = sample.gsoSize
        shape.segments = sample.gsoSegments
        let there = Array(bytes[..<(captured ?? bytes.count)])
        return parser.parse(there.span, shape)
    }

    @Test("a TCP packet: ends, ports, layer 3, handshake")
    func whole() {
        let parsed = Self.parse(Sample("", Frame.tcp(1000, 80, flags: 2, payload: 100).ipv4(6), 0x800))
        #expect(parsed.verdict == .counted)
        #expect((parsed.source, parsed.destination) == (IPAddress("10.1.2.3")!, IPAddress("10.4.5.6")!))
        #expect((parsed.sourcePort, parsed.destinationPort, parsed.transport) == (1000, 80, 6))
        #expect((parsed.bytes, parsed.packets) == (140, 1))
        #expect(parsed.handshake == .syn)
    }

    @Test("what is not asked for stays zero")
    func projection() {
        let sample = Sample("", Frame.tcp(1000, 80, flags: 18).ipv6(6), 0x86dd)
        let hosts = Self.parse(sample, PacketParser(transport: false, ports: false))
        #expect((hosts.sourcePort, hosts.destinationPort, hosts.transport, hosts.handshake) == (0, 0, 0, []))
        #expect(hosts.source == IPAddress("2001:db8::1")!)
        #expect(Self.parse(sample).handshake == .synAck)
        #expect(Self.parse(sample, PacketParser(kernelLengths: true)).bytes == 60)
    }

    @Test("a packet that the capture cut counts with the length that it had on the wire, wherever it was cut")
    func cut() {
        let extensions: Set<UInt8> = [0, 43, 44, 51, 60, 135, 139, 140]
        var hidden: Set<UInt8> = []
        for sample in Sample.all {
            let whole = Self.parse(sample)
            for captured in 0...sample.packet.bytes.count {
                let cut = Self.parse(sample, captured: captured)
                // More of a packet never makes it another one: what is known of the cut one is the same, or zero.
                let where_ = "\(sample.name) cut to \(captured)"
                if cut.verdict == .counted {
                    #expect(whole.verdict == .counted, "\(where_)")
                    #expect((cut.source, cut.destination) == (whole.source, whole.destination), "\(where_)")
                    #expect(cut.sourcePort == whole.sourcePort || cut.sourcePort == 0, "\(where_)")
                    #expect(cut.destinationPort == whole.destinationPort || cut.destinationPort == 0, "\(where_)")
                    // Where the cut hides what follows an extension header, its own number is what is known, as in the kernel.
                    let isHidden = sample.etherType == 0x86dd ? extensions.contains(cut.transport) : cut.transport == 51
                    #expect(cut.transport == whole.transport || isHidden, "\(where_): \(cut.transport) of \(whole.transport)")
                    if cut.transport != whole.transport { hidden.insert(cut.transport) }
                    #expect(cut.handshake == whole.handshake || cut.handshake == [], "\(where_)")
                    if sample.gsoSize == 0 { #expect((cut.bytes, cut.packets) == (whole.bytes, whole.packets), "\(where_)") }
                } else {
                    #expect(cut.packets == 1, "\(where_)")
                    #expect(cut.verdict == .malformed || whole.verdict == .nonIP, "\(where_)")
                    #expect(cut.bytes == UInt64(sample.packet.bytes.count), "\(where_)")
                }
            }
        }
        #expect(hidden == extensions)
    }

    @Test("a packet shorter than its link header is malformed and has no layer 3")
    func shorterThanLink() {
        let bytes: [UInt8] = [1, 2, 3]
        let parsed = PacketParser().parse(bytes.span, PacketShape(wireLength: 3, linkHeader: 14, etherType: 0x800))
        #expect((parsed.verdict, parsed.bytes, parsed.packets) == (.malformed, 0, 1))
    }
}

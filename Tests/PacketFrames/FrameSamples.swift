// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Layer-3 packets at the edges of what the parser knows.
package struct Sample: Sendable {
    package var name: String
    /// From layer 3 on.
    package var packet: Frame
    /// 0x0800, 0x86dd, or what is no IP.
    package var etherType: UInt16
    package var gsoSize: UInt32 = 0
    package var gsoSegments: UInt32 = 0

    package init(_ name: String, _ packet: Frame, _ etherType: UInt16, gso: (size: UInt32, segments: UInt32) = (0, 0)) {
        self.name = name
        self.packet = packet
        self.etherType = etherType
        gsoSize = gso.size
        gsoSegments = gso.segments
    }

    /// All edges of both families.
    package static let all: [Sample] =
        transports + ipv4Edges + ipv6Edges + extensions + authentications + superPackets + tcpOptions + encapsulated + strangers

    static let transports: [Sample] = [
        UInt8(0), 1, 2, 6, 17, 33, 41, 47, 50, 51, 58, 89, 132, 136, 255,
    ].flatMap { transport in
        [0, 1, 2, 3, 4, 7, 8, 12, 13, 14, 19, 20, 40].flatMap { (count: Int) -> [Sample] in
            // Its own ports, and flags that a TCP header would have there.
            let body = Frame(bytes: Array((Frame.word(4000 + UInt16(transport)) + Frame.payload(60).bytes)[..<count]))
            return [
                Sample("IPv4 protocol \(transport), \(count) bytes", body.ipv4(transport), 0x800),
                Sample("IPv6 protocol \(transport), \(count) bytes", body.ipv6(transport), 0x86dd),
            ]
        }
    }

    static let ipv4Edges: [Sample] =
        stride(from: 0, through: 40, by: 4).map { Sample("options \($0)", Frame.udp(1000, 80, payload: 5).ipv4(17, options: $0), 0x800) }
        + (0..<16).map { Sample("header of \($0) words", Frame.udp(1000, 80, payload: 5).ipv4(17, words: UInt8($0)), 0x800) }
        + (0..<16).map { Sample("version \($0)", Frame.udp(1000, 80).ipv4(17, version: UInt8($0)), 0x800) }
        + [0, 1, 19, 20, 21, 27, 28, 32, 33, 34, 999, 65_535].map { (length: UInt16) in
            Sample("total length \(length)", Frame.udp(1000, 80, payload: 5).ipv4(17, length: length), 0x800)
        }
        + [0x2000, 0x4000, 0x8000, 1, 0x1fff, 0x2001, 0x3fff].map {
            Sample("fragment \($0)", Frame.udp(1000, 80, payload: 8).ipv4(17, fragment: $0), 0x800)
        }
        + (0..<64).map { Sample("TCP flags \($0)", Frame.tcp(1000, 80, flags: UInt8($0)).ipv4(6), 0x800) }
        + [0x2001, 0x2000].map { Sample("SYN in fragment \($0)", Frame.tcp(1000, 80, flags: 2).ipv4(6, fragment: $0), 0x800) }
        + [Sample("padded", Frame(bytes: Frame.tcp(1000, 80).ipv4(6).bytes + [0, 0, 0, 0, 0, 0]), 0x800)]

    static let ipv6Edges: [Sample] =
        [0, 1, 7, 8, 12, 13, 14, 999, 65_535].map { (length: UInt16) in
            Sample("payload length \(length)", Frame.udp(1000, 80, payload: 5).ipv6(17, length: length), 0x86dd)
        }
        + (0..<16).map { Sample("IPv6 version \($0)", Frame.udp(1000, 80).ipv6(17, version: UInt8($0)), 0x86dd) }
        + (0..<64).map { Sample("IPv6 TCP flags \($0)", Frame.tcp(1000, 80, flags: UInt8($0)).ipv6(6), 0x86dd) }
        + [
            Sample("jumbogram", Frame.udp(1000, 80).extended(next: 17).ipv6(0, length: 0), 0x86dd),
            Sample("no jumbogram: no hop-by-hop", Frame.udp(1000, 80).extended(next: 17).ipv6(60, length: 0), 0x86dd),
            Sample("nothing behind", Frame.payload(0).ipv6(59), 0x86dd),
            Sample("padded IPv6", Frame(bytes: Frame.udp(1000, 80).ipv6(17).bytes + [0, 0, 0]), 0x86dd),
        ]

    static let extensions: [Sample] =
        [UInt8(0), 43, 60, 135, 139, 140, 253, 254].flatMap { (kind: UInt8) in
            [UInt8(0), 1, 3, 31, 255].flatMap { units in
                [
                    Sample("extension \(kind) of \(units) units", Frame.tcp(1000, 80, flags: 2).extended(next: 6, units: units).ipv6(kind), 0x86dd),
                    Sample("\(kind) of \(units) units, then nothing", Frame.payload(0).extended(next: 59, units: units).ipv6(kind), 0x86dd),
                ]
            }
        }
        + (0...12).flatMap { depth in
            [[UInt8(60)], [0, 43, 60], [51, 60, 140, 135, 139]].map { kinds in
                let chain = chain(depth, kinds)
                return Sample("\(depth) extensions of \(kinds)", chain.frame.ipv6(chain.next), 0x86dd)
            }
        }
        + [
            Sample("authentication", Frame.tcp(1000, 80, flags: 18).authenticated(next: 6).ipv6(51), 0x86dd),
            Sample("authentication in IPv4", Frame.tcp(1000, 80, flags: 18).authenticated(next: 6).ipv4(51), 0x800),
            Sample("encrypted", Frame.payload(40).ipv6(50), 0x86dd),
            Sample("first fragment", Frame.tcp(1000, 80, flags: 2).fragmented6(next: 6, offset: 0).ipv6(44), 0x86dd),
            Sample("later fragment", Frame.tcp(1000, 80, flags: 2).fragmented6(next: 6, offset: 5).ipv6(44), 0x86dd),
            Sample("atomic fragment", Frame.udp(1000, 80).fragmented6(next: 17, offset: 0, more: false).ipv6(44), 0x86dd),
            Sample("last fragment", Frame.payload(8).fragmented6(next: 60, offset: 5, more: false).ipv6(44), 0x86dd),
            Sample("fragment behind extensions", Frame.udp(1000, 80).fragmented6(next: 17, offset: 0).extended(next: 44).ipv6(0), 0x86dd),
            Sample("later fragment, then extension", Frame.udp(1000, 80).extended(next: 17).fragmented6(next: 60, offset: 9).ipv6(44), 0x86dd),
            Sample("all kinds", Frame.udp(1000, 80).authenticated(next: 17).extended(next: 51).extended(next: 60).ipv6(43), 0x86dd),
        ]

    /// UDP behind `depth` extension headers, of which kind in turn, the first of `kinds` outermost; and the kind of the outermost.
    package static func chain(_ depth: Int, _ kinds: [UInt8]) -> (frame: Frame, next: UInt8) {
        (0..<depth).reversed().reduce((Frame.udp(1000, 80), 17)) { inner, place in
            let kind = kinds[place % kinds.count]
            return (kind == 51 ? inner.0.authenticated(next: inner.1) : inner.0.extended(next: inner.1), kind)
        }
    }

    static let authentications: [Sample] = [UInt8(0), 1, 4, 7, 255].flatMap { (units: UInt8) -> [Sample] in
        let tcp = Frame.tcp(1000, 80, flags: 18).authenticated(next: 6, units: units)
        return [
            Sample("authentication of \(units) units", tcp.ipv6(51), 0x86dd),
            Sample("authentication of \(units) units in IPv4", tcp.ipv4(51), 0x800),
            Sample("twice \(units) units in IPv4", tcp.authenticated(next: 51, units: units).ipv4(51), 0x800),
            Sample("\(units) units around IPv4", Frame.udp(1, 2).ipv4(17).authenticated(next: 4, units: units).ipv4(51, options: 4), 0x800),
            Sample("\(units) units in a later fragment", tcp.ipv4(51, fragment: 3), 0x800),
        ]
    }

    /// Every length of a TCP header, also those that it cannot have, in front of segments.
    static let tcpOptions: [Sample] =
        stride(from: 0, through: 40, by: 4).flatMap { options in
            let tcp = Frame.tcp(1000, 80, options: options, payload: 1000)
            return [
                Sample("TCP options \(options)", tcp.ipv4(6), 0x800, gso: (400, 0)),
                Sample("IPv6 TCP options \(options)", tcp.ipv6(6), 0x86dd, gso: (400, 3)),
                Sample("BIG TCP, options \(options)", tcp.jumbo(next: 6).ipv6(0, length: 0), 0x86dd, gso: (400, 0)),
            ]
        }
        + (0..<16).map { words in
            var tcp = Frame.tcp(1000, 80, payload: 1000)
            tcp.bytes[12] = UInt8(words) << 4
            return Sample("TCP header of \(words) words", tcp.ipv4(6), 0x800, gso: (300, 0))
        }
        + [
            Sample("a jumbo option behind UDP's number", Frame.udp(1, 2, payload: 90).jumbo(next: 17).ipv6(0, length: 0), 0x86dd, gso: (30, 3)),
            Sample("a jumbo option without a length of 0", Frame.tcp(1, 2, payload: 90).jumbo(next: 6).ipv6(0), 0x86dd, gso: (30, 3)),
            Sample("no jumbo option", Frame.tcp(1, 2, payload: 90).extended(next: 6).ipv6(0, length: 0), 0x86dd, gso: (30, 3)),
        ]

    static let superPackets: [Sample] = [
        (6, 1000, 3), (6, 1000, 0), (6, 1, 0), (6, 65_535, 0), (17, 1000, 0), (17, 1000, 5), (132, 65_535, 4), (132, 65_535, 0), (47, 100, 0),
        (136, 7, 0),
    ].flatMap { (transport: UInt8, size: UInt32, segments: UInt32) in
        [Frame.tcp(1000, 80, options: 12, payload: 1200), Frame.payload(9)].flatMap { body in
            [
                Sample("super-packet \(transport) of \(size)", body.ipv4(transport), 0x800, gso: (size, segments)),
                Sample("IPv6 super-packet \(transport) of \(size)", body.ipv6(transport), 0x86dd, gso: (size, segments)),
            ]
        }
    }

    static let strangers: [Sample] = [
        Sample("ARP", Frame.payload(28), 0x806), Sample("a length", Frame.payload(40), 40),
        Sample("IPv6 with IPv4's type", Frame.udp(1, 2).ipv6(17), 0x800),
        Sample("IPv4 with IPv6's type", Frame.udp(1, 2, payload: 20).ipv4(17), 0x86dd), Sample("PPPoE", Frame.payload(50), 0x8864),
    ]
}

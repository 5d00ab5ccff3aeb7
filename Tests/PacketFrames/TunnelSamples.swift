// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Headers of tunnels, around what is there so far.
extension Frame {
    package func inUDP(_ source: UInt16, _ destination: UInt16) -> Frame {
        Frame(bytes: Self.word(source) + Self.word(destination) + Self.word(UInt16(8 + bytes.count)) + [0, 0] + bytes)
    }

    /// `policy`: a group policy as some switches put it there.
    package func vxlan(policy: Bool = false) -> Frame { Frame(bytes: (policy ? [0x88, 0, 1, 2] : [8, 0, 0, 0]) + [0, 0, 7, 0] + bytes) }

    /// `type`: of what is inside, 0x6558 for an Ethernet frame; `words` of options.
    package func geneve(_ type: UInt16 = 0x6558, words: UInt8 = 0, version: UInt8 = 0) -> Frame {
        Frame(bytes: [version << 6 | words, 0] + Self.word(type) + [0, 0, 7, 0] + Array(repeating: 1, count: Int(words) * 4) + bytes)
    }

    /// `flags`: 0x80 checksum, 0x20 key, 0x10 sequence number; each has a word.
    package func gre(_ type: UInt16, flags: UInt8 = 0, version: UInt8 = 0) -> Frame {
        let words = [0x80, 0x20, 0x10].count { flags & $0 != 0 }
        return Frame(bytes: [flags, version] + Self.word(type) + Array(repeating: 5, count: words * 4) + bytes)
    }
}

extension Sample {
    private static let tcp = Frame.tcp(1000, 80, options: 12, payload: 2000)
    private static let four = tcp.ipv4(6)
    private static let six = tcp.extended(next: 6).ipv6(60)
    private static let frames = [four.ethernet(0x800), six.ethernet(0x86dd), four.ethernet(0x800, tags: [0x8100])]

    private struct Packet {
        var name: String
        var frame: Frame
        var transport: UInt8
    }

    private static func inUDP(_ name: String, _ frame: Frame) -> Packet {
        Packet(name: name, frame: frame.inUDP(50_000, 4789), transport: 17)
    }

    /// VXLAN and Geneve, and what only looks like them.
    private static var udpTunnels: [Packet] {
        var all: [Packet] = []
        for frame in frames {
            all.append(inUDP("VXLAN", frame.vxlan()))
            all.append(inUDP("VXLAN with a policy", frame.vxlan(policy: true)))
            for words: UInt8 in [0, 1, 2, 63] { all.append(inUDP("Geneve, \(words) words", frame.geneve(words: words))) }
        }
        all.append(inUDP("Geneve around IPv4", four.geneve(0x800, words: 1)))
        all.append(inUDP("Geneve around IPv6", six.geneve(0x86dd)))
        all.append(inUDP("Geneve of version 1", frames[0].geneve(version: 1)))
        all.append(inUDP("Geneve around ARP", Frame.payload(900).geneve(0x806)))
        all.append(inUDP("VXLAN around ARP", Frame.payload(900).ethernet(0x806).vxlan()))
        all.append(inUDP("VXLAN around nothing", Frame.payload(0).vxlan()))
        all.append(inUDP("VXLAN around what is no IPv4", Frame.payload(900).ethernet(0x800).vxlan()))
        all.append(inUDP("datagrams", Frame.payload(2000)))
        return all
    }

    private static var ipTunnels: [Packet] {
        var all: [Packet] = []
        for flags: UInt8 in [0, 0x80, 0x20, 0x10, 0xb0] {
            all.append(Packet(name: "GRE \(flags)", frame: four.gre(0x800, flags: flags), transport: 47))
            all.append(Packet(name: "GRE \(flags) around IPv6", frame: six.gre(0x86dd, flags: flags), transport: 47))
            all.append(Packet(name: "GRE \(flags) around a frame", frame: frames[2].gre(0x6558, flags: flags), transport: 47))
        }
        all.append(Packet(name: "GRE of version 1", frame: four.gre(0x880b, version: 1), transport: 47))
        all.append(Packet(name: "IPv4", frame: four, transport: 4))
        all.append(Packet(name: "IPv6", frame: six, transport: 41))
        all.append(Packet(name: "no IPv4", frame: Frame.payload(900), transport: 4))
        all.append(Packet(name: "IPv4 behind AH", frame: four.authenticated(next: 4), transport: 51))
        return all
    }

    /// TCP in all that it may be carried in, to be cut into segments, whose number is said or is not.
    static let encapsulated: [Sample] = (udpTunnels + ipTunnels).flatMap { packet in
        [UInt32(0), 3].flatMap { segments in
            let inner = packet.frame.extended(next: packet.transport)
            return [
                Sample("\(packet.name) in IPv4, \(segments) segments", packet.frame.ipv4(packet.transport), 0x800, gso: (700, segments)),
                Sample("\(packet.name) in IPv6, \(segments) segments", inner.ipv6(60), 0x86dd, gso: (700, segments)),
            ]
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A made-up frame, built from the inside out: `Frame.udp(…).ipv4(…).ethernet()`.
package struct Frame: Sendable {
    package var bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }

    package static func payload(_ count: Int) -> Frame { Frame(bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0) }) }

    package static func udp(_ source: UInt16, _ destination: UInt16, payload: Int = 0) -> Frame {
        Frame(bytes: word(source) + word(destination) + word(UInt16(8 + payload)) + word(0) + Self.payload(payload).bytes)
    }

    /// `flags`: 2 SYN, 16 ACK. `options`: bytes after the 20 that every header has, a multiple of 4.
    package static func tcp(_ source: UInt16, _ destination: UInt16, flags: UInt8 = 16, options: Int = 0, payload: Int = 0) -> Frame {
        let words = UInt8(5 + options / 4)
        let fixed: [UInt8] = word(source) + word(destination) + [0, 0, 0, 1, 0, 0, 0, 2, words << 4, flags, 1, 0, 0, 0, 0, 0]
        return Frame(bytes: fixed + Array(repeating: 1, count: options) + Self.payload(payload).bytes)
    }

    package static func icmp(type: UInt8, code: UInt8, payload: Int = 8) -> Frame {
        Frame(bytes: [type, code, 0, 0] + Self.payload(payload).bytes)
    }

    /// 10.1.2.3 → 10.4.5.6. `length` overrides what the header says.
    package func ipv4(
        _ transport: UInt8, options: Int = 0, fragment: UInt16 = 0, identification: UInt16 = 7, length: UInt16? = nil, version: UInt8 = 4,
        words: UInt8? = nil
    ) -> Frame {
        let header = 20 + options
        let total = length ?? UInt16(header + bytes.count)
        let first = version << 4 | (words ?? UInt8(header / 4))
        let fixed: [UInt8] = [first, 0] + Self.word(total) + Self.word(identification) + Self.word(fragment)
        let rest: [UInt8] = [64, transport, 0, 0, 10, 1, 2, 3, 10, 4, 5, 6]
        return Frame(bytes: fixed + rest + Array(repeating: 1, count: options) + bytes)
    }

    /// 2001:db8::1 → 2001:db8::2. `next` is the protocol of the bytes so far.
    package func ipv6(_ next: UInt8, length: UInt16? = nil, version: UInt8 = 6) -> Frame {
        let address: [UInt8] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let fixed: [UInt8] = [version << 4, 0, 0, 0] + Self.word(length ?? UInt16(bytes.count)) + [next, 64] + address + [1] + address + [2]
        return Frame(bytes: fixed + bytes)
    }

    /// The same IPv4 frame from and to other addresses, with a checksum that the stack accepts.
    package func readdressed(station: [UInt8], source: [UInt8], destination: [UInt8]) -> Frame {
        var bytes = bytes
        bytes.replaceSubrange(0..<6, with: station)
        bytes.replaceSubrange(26..<34, with: source + destination)
        bytes.replaceSubrange(24..<26, with: [0, 0])
        var sum = stride(from: 14, to: 34, by: 2).reduce(UInt32(0)) { $0 + UInt32(bytes[$1]) << 8 + UInt32(bytes[$1 + 1]) }
        while sum >> 16 != 0 { sum = sum & 0xffff + sum >> 16 }
        bytes.replaceSubrange(24..<26, with: Self.word(UInt16(~sum & 0xffff)))
        return Frame(bytes: bytes)
    }

    /// An extension header of `units` × 8 more bytes in front; `next` is the protocol of the bytes so far.
    package func extended(next: UInt8, units: UInt8 = 0) -> Frame {
        Frame(bytes: [next, units, 0, 0, 0, 0, 0, 0] + Array(repeating: 0, count: Int(units) * 8) + bytes)
    }

    /// `more`: it is not the last one.
    package func fragmented6(next: UInt8, offset: UInt16, identification: UInt16 = 9, more: Bool = true) -> Frame {
        Frame(bytes: [next, 0] + Self.word(offset << 3 | (more ? 1 : 0)) + [0, 0] + Self.word(identification) + bytes)
    }

    /// An authentication header of 8 + 4 × `units` bytes.
    package func authenticated(next: UInt8, units: UInt8 = 4) -> Frame {
        Frame(bytes: [next, units] + Array(repeating: 0, count: 6 + Int(units) * 4) + bytes)
    }

    /// The hop-by-hop header with a jumbo option that says how much follows the IPv6 header.
    package func jumbo(next: UInt8) -> Frame {
        let length = UInt32(8 + bytes.count)
        return Frame(bytes: [next, 0, 0xc2, 4] + Self.word(UInt16(length >> 16)) + Self.word(UInt16(length & 0xffff)) + bytes)
    }

    package func ethernet(_ type: UInt16, tags: [UInt16] = [], padding: Int = 0) -> Frame {
        let tagged = tags.flatMap { Self.word($0) + Self.word(42) }
        return Frame(
            bytes: [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2] + tagged + Self.word(type) + bytes + Array(repeating: 0, count: padding))
    }

    package static func word(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }

    package static func word(_ high: UInt8, _ low: UInt8) -> UInt16 { UInt16(high) << 8 | UInt16(low) }
}

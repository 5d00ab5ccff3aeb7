// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address: 16 bytes in two integers, so that it hashes and compares without a pointer.
///
/// IPv4 is kept as its IPv4-mapped IPv6 form (`::ffff:a.b.c.d`) and printed as IPv4. A packet that carries
/// a mapped address on an IPv6 wire is therefore the same endpoint as its IPv4 twin.
public struct IPAddress: Hashable, Sendable {
    /// The first and the last eight bytes in network order, each read as one big-endian number.
    public var high: UInt64
    public var low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// `value` is the address as a number: 10.0.0.1 is 0x0a000001.
    @inlinable
    public init(ipv4 value: UInt32) {
        self.init(high: 0, low: 0x0000_ffff_0000_0000 | UInt64(value))
    }

    @inlinable
    public var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }

    /// Two rounds of multiply-and-fold, for tables of our own: several times faster than a `Hasher`, which every row would pay
    /// for. With a random `seed`, which strangers who choose addresses do not know. `word` is hashed with it.
    @inlinable @inline(__always)
    package func hash(seed: UInt64, with word: UInt64 = 0) -> UInt64 {
        let first = (high ^ seed).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        let mixed = first.high ^ first.low ^ low ^ word &* 0xD6E8_FEB8_6659_FD93
        let second = mixed.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return second.high ^ second.low
    }

    /// 32 or 128: the length of a prefix that means this address alone.
    public var bitWidth: Int { isIPv4 ? 32 : 128 }
}

extension IPAddress: Comparable {
    public static func < (a: IPAddress, b: IPAddress) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

extension IPAddress: LosslessStringConvertible {
    /// Reads `192.0.2.1`, `2001:db8::1` and `::ffff:192.0.2.1`; no zone, no port, no leading zeros in IPv4.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        if bytes.contains(UInt8(ascii: ":")) {
            guard let (high, low) = Self.parseIPv6(bytes[...]) else { return nil }
            self.init(high: high, low: low)
        } else {
            guard let value = Self.parseIPv4(bytes[...]) else { return nil }
            self.init(ipv4: value)
        }
    }

    private static func parseIPv4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var octet: UInt32 = 0
            for byte in part {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                octet = octet * 10 + UInt32(byte - UInt8(ascii: "0"))
            }
            guard octet <= 255 else { return nil }
            value = value << 8 | octet
        }
        return value
    }

    private static func parseIPv6(_ bytes: ArraySlice<UInt8>) -> (UInt64, UInt64)? {
        var head: [UInt16] = []
        var tail: [UInt16] = []
        var seenGap = false
        var rest = bytes
        func add(_ group: UInt16) { if seenGap { tail.append(group) } else { head.append(group) } }
        if rest.starts(with: "::".utf8) {
            seenGap = true
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let group = rest.prefix { $0 != UInt8(ascii: ":") }
            if group.contains(UInt8(ascii: ".")) {
                guard group.endIndex == rest.endIndex, let value = parseIPv4(group) else { return nil }
                add(UInt16(value >> 16))
                add(UInt16(value & 0xffff))
                break
            }
            guard (1...4).contains(group.count), let value = hexadecimal(group) else { return nil }
            add(value)
            rest = rest.dropFirst(group.count)
            if rest.isEmpty { break }
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: ":") {
                guard !seenGap else { return nil }
                seenGap = true
                rest = rest.dropFirst()
            } else if rest.isEmpty {
                return nil
            }
        }
        let count = head.count + tail.count
        guard seenGap ? count < 8 : count == 8 else { return nil }
        let groups = head + Array(repeating: 0, count: 8 - count) + tail
        let numbers = groups.map(UInt64.init)
        return (
            numbers[0] << 48 | numbers[1] << 32 | numbers[2] << 16 | numbers[3],
            numbers[4] << 48 | numbers[5] << 32 | numbers[6] << 16 | numbers[7]
        )
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt16? {
        var value: UInt16 = 0
        for byte in digits {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt16(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt16(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt16(byte - UInt8(ascii: "A") + 10)
            default: return nil
            }
        }
        return value
    }

    /// RFC 5952: lower case, the longest run of zero groups shortened, the first of equals.
    public var description: String {
        if isIPv4 {
            let value = UInt32(truncatingIfNeeded: low)
            return "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
        }
        let groups = (0..<8).map { i in UInt16(truncatingIfNeeded: (i < 4 ? high : low) >> UInt64(48 - i % 4 * 16)) }
        var gap = 0..<0
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, groups[end] == 0 { end += 1 }
            if end - index > max(gap.count, 1) { gap = index..<end }
            index = max(end, index + 1)
        }
        let hex = groups.map { String($0, radix: 16) }
        if gap.isEmpty { return hex.joined(separator: ":") }
        return hex[..<gap.lowerBound].joined(separator: ":") + "::" + hex[gap.upperBound...].joined(separator: ":")
    }
}

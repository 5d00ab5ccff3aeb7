// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A range of addresses that share their first bits: `10.0.0.0/20`, `2001:db8::/32`.
public struct CIDR: Hashable, Sendable {
    /// The first address of the range: host bits are zero.
    public let address: IPAddress
    /// Shared bits as users count them: 0…32 for IPv4, 0…128 for IPv6.
    public let prefixLength: Int

    /// Fails when the length does not fit the family; host bits are cleared.
    public init?(_ address: IPAddress, prefixLength: Int) {
        guard (0...address.bitWidth).contains(prefixLength) else { return nil }
        let bits = prefixLength + 128 - address.bitWidth
        self.address = address.masked(to: bits)
        self.prefixLength = prefixLength
    }

    /// The shared bits of the 16-byte form, in which IPv4 stands behind 96 fixed bits: 0…128.
    public var mappedPrefixLength: Int { prefixLength + 128 - address.bitWidth }

    public func contains(_ other: IPAddress) -> Bool {
        other.isIPv4 == address.isIPv4 && other.masked(to: mappedPrefixLength) == address
    }
}

extension CIDR: LosslessStringConvertible {
    /// Reads `10.0.0.0/20`; an address alone is the range of that one address. Host bits must be zero:
    /// `10.0.0.7/20` is more often a slip than a wish.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(parts[0]) else { return nil }
        if parts.count == 1 {
            self.init(address, prefixLength: address.bitWidth)
        } else {
            guard parts[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let length = Int(parts[1])
            else { return nil }
            self.init(address, prefixLength: length)
        }
        guard self.address == address else { return nil }
    }

    public var description: String { "\(address)/\(prefixLength)" }
}

extension IPAddress {
    /// The first `bits` bits (0…128 of the 16-byte form), the rest zero.
    @inlinable
    public func masked(to bits: Int) -> IPAddress {
        IPAddress(
            high: bits >= 64 ? high : bits == 0 ? 0 : high & ~0 << UInt64(64 - bits),
            low: bits <= 64 ? 0 : bits == 128 ? low : low & ~0 << UInt64(128 - bits))
    }
}

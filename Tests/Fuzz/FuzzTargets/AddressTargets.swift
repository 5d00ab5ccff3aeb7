// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WeirKit

extension FuzzTarget {
    private static let addressWords = [
        "::", "::ffff:", "255", "0", ".", ":", "/", "10.0.0.1", "2001:db8::1", "fe80::", "0x", "00", "/128", "/32", "/0",
    ]

    /// Addresses: read as the C library reads them, and what is printed is read back as the same.
    static let address = FuzzTarget("address", words: addressWords, maxBytes: 128) { (bytes) throws(BrokenLaw) in
        let text = String(decoding: bytes, as: UTF8.self)
        let address = IPAddress(text)
        if let address {
            try require(IPAddress(address.description) == address, "\(address) is read back as another address than '\(text)'")
            try require(address.description.utf8.count <= 39, "\(address) is longer than an address can be")
        }
        // A NUL ends a C string.
        guard !text.utf8.contains(0) else { return }
        let other = secondOpinion(text)
        try require(address == other, "'\(text)' is \(said(address)), to inet_pton \(said(other))")
    }

    private static func said(_ address: IPAddress?) -> String { address?.description ?? "no address" }

    /// What inet_pton(3) makes of the text.
    private static func secondOpinion(_ text: String) -> IPAddress? {
        var bytes = [UInt8](repeating: 0, count: 16)
        // The buffer has room for the larger family and outlives the call.
        if unsafe inet_pton(AF_INET, text, &bytes) == 1 { return IPAddress(ipv4: bytes[0..<4].reduce(0) { $0 << 8 | UInt32($1) }) }
        guard unsafe inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        return IPAddress(high: number(0..<8), low: number(8..<16))
    }

    /// Ranges: printed and read back the same, the host bits zero, the first address inside and its neighbours outside.
    static let range = FuzzTarget("range", words: addressWords, maxBytes: 128) { (bytes) throws(BrokenLaw) in
        let text = String(decoding: bytes, as: UTF8.self)
        guard let range = CIDR(text) else { return }
        try require(CIDR(range.description) == range, "\(range) is read back as another range")
        try require(range.contains(range.address), "\(range) does not hold its own address")
        try require(range.address.masked(to: range.mappedPrefixLength) == range.address, "\(range) has host bits")
        guard range.mappedPrefixLength > 0 else { return }
        let bit = range.mappedPrefixLength - 1
        let twin = IPAddress(
            high: range.address.high ^ (bit < 64 ? 1 << UInt64(63 - bit) : 0), low: range.address.low ^ (bit >= 64 ? 1 << UInt64(127 - bit) : 0))
        try require(!range.contains(twin), "\(range) holds \(twin), which differs in its last bit")
    }
}

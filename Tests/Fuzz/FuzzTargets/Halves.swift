// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Two inputs out of one: what stands before the first line break, and what stands behind it.
struct Halves {
    let first: String
    let second: String

    init(_ bytes: [UInt8]) {
        let parts = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
        first = String(decoding: parts[0], as: UTF8.self)
        second = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
    }
}

/// A number that follows from bytes (FNV-1a), for choices that a law makes: the same input makes the same choice.
func fingerprint(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

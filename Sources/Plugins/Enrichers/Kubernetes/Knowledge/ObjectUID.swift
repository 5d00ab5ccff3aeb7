// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The uid of an object in 16 bytes: as a text it would be the largest part of what is kept of a pod.
package struct ObjectUID: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    /// Of no object.
    package static let none = ObjectUID(high: 0, low: 0)

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// 32 hexadecimal digits with or without hyphens are their number, as the API server and kubelet write them. Anything else
    /// is hashed: the API allows other texts, though no server makes them.
    package init(_ text: String) {
        var (high, low): (UInt64, UInt64) = (0, 0)
        var digits = 0
        for byte in text.utf8 {
            guard let digit = Self.digit(byte) else {
                if byte == UInt8(ascii: "-") { continue }
                digits = 0
                break
            }
            high = high << 4 | low >> 60
            low = low << 4 | digit
            digits += 1
        }
        self = digits == 32 ? ObjectUID(high: high, low: low) : Self.hash(text)
    }

    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    /// FNV-1a, twice with different beginnings.
    private static func hash(_ text: String) -> ObjectUID {
        var (high, low): (UInt64, UInt64) = (0xcbf2_9ce4_8422_2325, 0x6c62_272e_07bb_0142)
        for byte in text.utf8 {
            high = (high ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
            low = (low ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 &+ 1
        }
        return ObjectUID(high: high, low: low)
    }
}

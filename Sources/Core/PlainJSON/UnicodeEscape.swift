// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// `\u20ac`, or the two halves `\ud83d\ude00`. Half a pair without the other becomes U+FFFD, as UTF-8 decoders do it.
struct UnicodeEscape {
    private var value: UInt32 = 0
    private var digits = 0
    private var high: UInt32 = 0

    /// Whether the first half of a pair waits for its second.
    var isHalf: Bool { high != 0 }

    mutating func begin() {
        value = 0
        digits = 0
    }

    /// Nil when `byte` is no hexadecimal digit, true after the fourth.
    mutating func digit(_ byte: UInt8) -> Bool? {
        let number: UInt8
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): number = byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): number = byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): number = byte - UInt8(ascii: "A") + 10
        default: return nil
        }
        value = value << 4 | UInt32(number)
        digits += 1
        return digits == 4
    }

    /// What four digits have made; nothing when the second half is to come.
    mutating func take() -> [Unicode.Scalar] {
        let waiting = high
        high = 0
        if (0xDC00...0xDFFF).contains(value) {
            guard waiting != 0 else { return ["\u{FFFD}"] }
            return [Unicode.Scalar(0x10000 + (waiting - 0xD800) << 10 + (value - 0xDC00)) ?? "\u{FFFD}"]
        }
        let lost: [Unicode.Scalar] = waiting == 0 ? [] : ["\u{FFFD}"]
        if (0xD800...0xDBFF).contains(value) {
            high = value
            return lost
        }
        return lost + [Unicode.Scalar(value) ?? "\u{FFFD}"]
    }

    /// What to write for half a pair that something else follows; nil when none waits.
    mutating func giveUp() -> Unicode.Scalar? {
        guard high != 0 else { return nil }
        high = 0
        return "\u{FFFD}"
    }
}

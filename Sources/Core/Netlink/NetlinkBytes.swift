// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

// How netlink writes numbers, addresses and attributes. Callers have made sure that the bytes are there.

extension Span<UInt8> {
    func number16(_ place: Int) -> UInt16 { UInt16(self[place]) | UInt16(self[place + 1]) << 8 }

    func number32(_ place: Int) -> UInt32 { UInt32(number16(place)) | UInt32(number16(place + 2)) << 16 }

    /// The bytes as one big-endian number.
    func big(_ place: Range<Int>) -> UInt64 {
        var number: UInt64 = 0
        for index in place { number = number << 8 | UInt64(self[index]) }
        return number
    }

    /// Four bytes or sixteen.
    func address(_ place: Range<Int>) -> IPAddress {
        guard place.count == 16 else { return IPAddress(ipv4: UInt32(truncatingIfNeeded: big(place))) }
        let middle = place.lowerBound + 8
        return IPAddress(high: big(place.lowerBound..<middle), low: big(middle..<place.upperBound))
    }

    /// The attribute at `position`, which moves behind it; nil at the end, and at one that reaches beyond it.
    func nextAttribute(_ position: inout Int, _ end: Int) -> (type: UInt16, payload: Range<Int>)? {
        guard end - position >= 4 else { return nil }
        let length = Int(number16(position))
        guard length >= 4, length <= end - position else { return nil }
        // The two highest bits say how the payload is written.
        let found = (number16(position + 2) & 0x3fff, position + 4..<position + length)
        position = Swift.min(end, position + (length + 3) & ~3)
        return found
    }
}

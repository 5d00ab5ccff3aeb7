// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What passes as the name of a host. Whoever owns an address decides what reverse DNS says of it, so a name is a claim of a
/// stranger until it has passed here; and then still a claim.
public enum HostName {
    /// As text, without the dots in between counted twice: the longest name that DNS can carry.
    public static let maxBytes = 253

    /// `text` in lower case without a dot at its end; nil unless it is labels of 1 to 63 letters, digits, `-` and `_`, parted by dots, the
    /// last of which is not a number: such a name would read as an address.
    public static func normalized(_ text: some StringProtocol) -> String? {
        var bytes = Array(text.utf8)
        if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        return normalized(bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false))
    }

    /// The same from labels, as a DNS message has them. The root, which has none, is not a host.
    package static func normalized(_ labels: [ArraySlice<UInt8>]) -> String? {
        var text: [UInt8] = []
        for label in labels {
            guard (1...63).contains(label.count), text.count + label.count < maxBytes + 1 else { return nil }
            if !text.isEmpty { text.append(UInt8(ascii: ".")) }
            for byte in label {
                guard let kept = lowered(byte) else { return nil }
                text.append(kept)
            }
        }
        guard let last = labels.last, text.count <= maxBytes, last.contains(where: { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    private static func lowered(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): byte
        default: nil
        }
    }
}

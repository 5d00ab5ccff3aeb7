// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A shell-like pattern: `*` any text, `?` one character; everything else stands for itself. Linear in time but for
/// one step back per `*`, so a hostile pattern costs length × length at the worst.
public struct Glob: Sendable, Hashable {
    public let pattern: String
    private let bytes: [UInt8]

    public init(_ pattern: String) {
        self.pattern = pattern
        bytes = Array(pattern.utf8)
    }

    public func matches(_ text: String) -> Bool {
        let text = Array(text.utf8)
        var p = 0
        var t = 0
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < bytes.count, bytes[p] == UInt8(ascii: "*") {
                star = (p + 1, t)
                p += 1
            } else if p < bytes.count, bytes[p] == text[t] || (bytes[p] == UInt8(ascii: "?") && text[t] & 0xC0 != 0x80) {
                t += 1
                // One character may be several bytes: `?` takes the continuation bytes along.
                if bytes[p] == UInt8(ascii: "?") { while t < text.count, text[t] & 0xC0 == 0x80 { t += 1 } }
                p += 1
            } else if let back = star {
                p = back.pattern
                t = back.text + 1
                star = (p, t)
            } else {
                return false
            }
        }
        while p < bytes.count, bytes[p] == UInt8(ascii: "*") { p += 1 }
        return p == bytes.count
    }
}

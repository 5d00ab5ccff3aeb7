// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Text as JSON writes it.
package enum JSONText {
    private static let hexadecimal = Array("0123456789abcdef".utf8)

    /// Appends `text` in quotes. Escapes what RFC 8259 demands, and U+2028 and U+2029, which end a line for some readers.
    package static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": bytes += "\\\"".utf8
            case "\\": bytes += "\\\\".utf8
            case "\n": bytes += "\\n".utf8
            case "\r": bytes += "\\r".utf8
            case "\t": bytes += "\\t".utf8
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}": appendEscape(scalar.value, to: &bytes)
            default: bytes += UTF8.encode(scalar)!
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// `\u2028`.
    private static func appendEscape(_ value: UInt32, to bytes: inout [UInt8]) {
        bytes += "\\u".utf8
        for shift in [UInt32(12), 8, 4, 0] { bytes.append(hexadecimal[Int(value >> shift & 15)]) }
    }
}

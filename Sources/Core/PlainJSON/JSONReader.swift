// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A strict reader (RFC 8259) of flat objects, and of lists of them, that knows where it is. What is wrong is said with the
/// offset of its byte; nothing is kept of a text beyond what the caller keeps.
package struct JSONReader {
    package struct Problem: Error {
        package let message: String
        package let offset: Int

        package init(message: String, offset: Int) {
            self.message = message
            self.offset = offset
        }
    }

    package struct Text {
        package let text: String
        /// Whether it stood in quotes: a number, `true` and `null` do not.
        package let isQuoted: Bool
        package let offset: Int
    }

    private let bytes: [UInt8]
    /// The byte that is read next.
    package private(set) var offset: Int

    /// Reads `bytes` from `start` on.
    package init(_ bytes: [UInt8], from start: Int = 0) {
        self.bytes = bytes
        offset = start
    }

    /// A list that is the whole file. `item` reads one item and says whether to go on.
    package mutating func list(orSay expected: String, _ item: (inout JSONReader) throws(Problem) -> Bool) throws(Problem) {
        try open("[", expected)
        if !close("]") {
            repeat {
                skipBlanks()
                guard try item(&self) else { return }
            } while try more("]")
        }
        try end("expected the end of the file behind the list")
    }

    /// A list within a document. `item` reads one item.
    package mutating func items(orSay expected: String, _ item: (inout JSONReader) throws(Problem) -> Void) throws(Problem) {
        try open("[", expected)
        if close("]") { return }
        repeat {
            skipBlanks()
            try item(&self)
        } while try more("]")
    }

    /// Nothing but blanks may follow.
    package mutating func end(_ expected: String) throws(Problem) {
        skipBlanks()
        if offset < bytes.count { throw Problem(message: expected, offset: offset) }
    }

    /// An object. `entry` gets a key and reads its value.
    package mutating func object(orSay expected: String, _ entry: (inout JSONReader, Text) throws(Problem) -> Void) throws(Problem) {
        try open("{", expected)
        if close("}") { return }
        repeat {
            skipBlanks()
            guard peek == UInt8(ascii: "\"") else { throw Problem(message: "expected a key in double quotes", offset: offset) }
            let key = try string()
            try open(":", "expected ':' behind the key")
            skipBlanks()
            try entry(&self, key)
        } while try more("}")
    }

    /// A text, number, boolean or null, as text.
    package mutating func value() throws(Problem) -> Text {
        let start = offset
        switch peek {
        case UInt8(ascii: "\""): return try string()
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            throw Problem(message: "expected a text, found \(peek == UInt8(ascii: "{") ? "an object" : "a list")", offset: start)
        default:
            while let byte = peek, !Self.ends.contains(byte) { offset += 1 }
            let word = String(decoding: bytes[start..<offset], as: UTF8.self)
            if word == "null" { return Text(text: "", isQuoted: false, offset: start) }
            guard word == "true" || word == "false" || Self.isNumber(word) else {
                throw Problem(
                    message: word.isEmpty ? "expected a value" : "'\(word.prefix(40))' is no JSON value; a text needs double quotes", offset: start)
            }
            return Text(text: word, isQuoted: false, offset: start)
        }
    }

    private static let ends = Set(" \t\r\n,]}".utf8)

    /// `-?digits(.digits)?([eE][+-]?digits)?`, loosely at its start: `007` passes as the text it is.
    private static func isNumber(_ word: String) -> Bool {
        guard let first = word.utf8.first, first == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return word.utf8.count <= 64 && Double(word) != nil && !word.contains { "xXpPnN".contains($0) }
    }

    var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func skipBlanks() {
        while let byte = peek, [UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t")].contains(byte) { offset += 1 }
    }

    mutating func open(_ mark: Unicode.Scalar, _ message: String) throws(Problem) {
        skipBlanks()
        guard peek == UInt8(ascii: mark) else { throw Problem(message: message, offset: offset) }
        offset += 1
    }

    /// Whether the list or object ends here without an item.
    mutating func close(_ mark: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard peek == UInt8(ascii: mark) else { return false }
        offset += 1
        return true
    }

    /// Behind an item: a comma and more, or the end.
    mutating func more(_ mark: Unicode.Scalar) throws(Problem) -> Bool {
        if close(mark) { return false }
        try open(",", "expected ',' or '\(mark)'")
        return true
    }

    private mutating func string() throws(Problem) -> Text {
        let start = offset
        var text: [UInt8] = []
        offset += 1
        while let byte = peek {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return Text(text: String(decoding: text, as: UTF8.self), isQuoted: true, offset: start)
            case UInt8(ascii: "\\"): text += Array(String(try escape()).utf8)
            case 0..<0x20: throw Problem(message: "a control character in a text must be escaped", offset: offset - 1)
            default: text.append(byte)
            }
        }
        throw Problem(message: "the text that begins here is not closed", offset: start)
    }

    /// What stands behind a backslash.
    private mutating func escape() throws(Problem) -> Unicode.Scalar {
        let start = offset - 1
        let byte = peek
        offset += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var value = UInt32(try unit(start))
            if (0xD800...0xDBFF).contains(value), bytes[min(offset, bytes.count)...].starts(with: "\\u".utf8) {
                offset += 2
                let low = UInt32(try unit(start))
                // Not a low half: leaves a value that is no scalar.
                value = (0xDC00...0xDFFF).contains(low) ? 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00) : 0xD800
            }
            guard let scalar = Unicode.Scalar(value) else { throw Problem(message: "half a surrogate pair", offset: start) }
            return scalar
        default: throw Problem(message: "unknown escape in a text", offset: start)
        }
    }

    private mutating func unit(_ start: Int) throws(Problem) -> UInt16 {
        let digits = bytes[min(offset, bytes.count)...].prefix(4)
        guard digits.count == 4, let value = UInt16(String(decoding: digits, as: UTF8.self), radix: 16), digits.first != UInt8(ascii: "+") else {
            throw Problem(message: "expected four hexadecimal digits behind \\u", offset: start)
        }
        offset += 4
        return value
    }
}

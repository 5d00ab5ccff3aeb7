// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Reads a `JSONTree`; recursive, for the texts of tests.
package struct JSONTreeReader {
    package struct Problem: Error, CustomStringConvertible {
        package let message: String
        package let offset: Int
        package var description: String { "\(message) at byte \(offset)" }
    }

    private let bytes: [UInt8]
    private var offset = 0

    /// The one value in `bytes`.
    package static func read(_ bytes: [UInt8]) throws(Problem) -> JSONTree {
        var reader = JSONTreeReader(bytes: bytes)
        let value = try reader.value(level: 0)
        reader.blanks()
        guard reader.offset == bytes.count else { throw reader.problem("more behind the value") }
        return value
    }

    package static func read(_ text: String) throws(Problem) -> JSONTree { try read(Array(text.utf8)) }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func problem(_ message: String) -> Problem { Problem(message: message, offset: offset) }

    private mutating func blanks() {
        while offset < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[offset]) { offset += 1 }
    }

    private mutating func take(_ mark: Unicode.Scalar) -> Bool {
        blanks()
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: mark) else { return false }
        offset += 1
        return true
    }

    private mutating func value(level: Int) throws(Problem) -> JSONTree {
        guard level < 512 else { throw problem("too deep") }
        blanks()
        guard offset < bytes.count else { throw problem("expected a value") }
        switch bytes[offset] {
        case UInt8(ascii: "{"):
            offset += 1
            var members: [JSONTree.Member] = []
            if take("}") { return .object([JSONTree.Member]()) }
            repeat {
                blanks()
                let name = try string()
                guard take(":") else { throw problem("expected ':'") }
                members.append(JSONTree.Member(name: name, value: try value(level: level + 1)))
            } while take(",")
            guard take("}") else { throw problem("expected '}'") }
            return .object(members)
        case UInt8(ascii: "["):
            offset += 1
            var items: [JSONTree] = []
            if take("]") { return .list([]) }
            repeat { items.append(try value(level: level + 1)) } while take(",")
            guard take("]") else { throw problem("expected ']'") }
            return .list(items)
        case UInt8(ascii: "\""): return .text(try string())
        default:
            let start = offset
            while offset < bytes.count, !Set(" \t\r\n,]}".utf8).contains(bytes[offset]) { offset += 1 }
            let word = String(decoding: bytes[start..<offset], as: UTF8.self)
            switch word {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null": return .null
            default:
                guard Double(word) != nil else { throw problem("'\(word)' is no value") }
                return .number(word)
            }
        }
    }

    private mutating func string() throws(Problem) -> String {
        guard take("\"") else { throw problem("expected a text") }
        var text: [UInt8] = []
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard offset < bytes.count else { throw problem("an escape of nothing") }
                offset += 1
                switch bytes[offset - 1] {
                case UInt8(ascii: "n"): text.append(0x0A)
                case UInt8(ascii: "r"): text.append(0x0D)
                case UInt8(ascii: "t"): text.append(0x09)
                case UInt8(ascii: "b"): text.append(0x08)
                case UInt8(ascii: "f"): text.append(0x0C)
                case UInt8(ascii: "u"): text += Array(String(try unicode()).utf8)
                case let other: text.append(other)
                }
            default: text.append(byte)
            }
        }
        throw problem("a text without an end")
    }

    private mutating func unicode() throws(Problem) -> Unicode.Scalar {
        let first = try unit()
        if (0xD800...0xDBFF).contains(first), bytes[min(offset, bytes.count)...].starts(with: "\\u".utf8) {
            let mark = offset
            offset += 2
            let second = try unit()
            if (0xDC00...0xDFFF).contains(second) {
                return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? "\u{FFFD}"
            }
            offset = mark
        }
        return Unicode.Scalar(first) ?? "\u{FFFD}"
    }

    private mutating func unit() throws(Problem) -> UInt32 {
        let digits = bytes[min(offset, bytes.count)...].prefix(4)
        guard digits.count == 4, digits.first != UInt8(ascii: "+"), let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) else {
            throw problem("expected four hexadecimal digits")
        }
        offset += 4
        return value
    }
}

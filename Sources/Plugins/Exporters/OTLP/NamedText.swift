// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// A name with its value: a header of requests, or an attribute of the resource.
public struct NamedText: Sendable, Equatable {
    public let name: String
    public let value: String

    static let maxNumber = 64
    static let maxValueBytes = 8192

    /// Reads a mapping of names to texts. `problem` says what is wrong with one, if anything is.
    static func readAll(_ node: ConfigNode, _ section: ConfigSection, problem: (_ name: String, _ value: String) -> String?) -> [NamedText] {
        var found: [NamedText] = []
        switch node.content {
        case .mapping(let entries):
            for entry in entries {
                guard let name: String = section.scalar(entry.key), let value: String = section.scalar(entry.value) else { continue }
                if let problem = problem(name, value) {
                    section.note(.badValue, problem, at: entry.key.position)
                } else {
                    found.append(NamedText(name: name, value: value))
                }
            }
        case .scalar(""): break
        default: section.note(.wrongShape, "expected a mapping of names to values, found \(node.kindName)", at: node.position)
        }
        if found.count > maxNumber { section.note(.outOfRange, "there are at most \(maxNumber) of these", at: node.position) }
        return found
    }

    /// The list of OpenTelemetry's variables: `name=value,name=value`, values percent-encoded. Throws what is wrong, without values:
    /// they may be secrets.
    static func list(_ text: String, problem: (_ name: String, _ value: String) -> String?) throws(TextProblem) -> [NamedText] {
        var found: [NamedText] = []
        for item in text.split(separator: ",") {
            let item = item.trimmed
            if item.isEmpty { continue }
            guard let equals = item.firstIndex(of: "="), case let name = String(item[..<equals].trimmed), !name.isEmpty else {
                throw TextProblem("an item is not name=value")
            }
            guard let value = percentDecoded(item[item.index(after: equals)...].trimmed) else {
                throw TextProblem("the value of '\(name)' is not percent-encoded UTF-8")
            }
            if let problem = problem(name, value) { throw TextProblem(problem) }
            found.append(NamedText(name: name, value: value))
        }
        guard found.count <= maxNumber else { throw TextProblem("there are more than \(maxNumber) items") }
        return found
    }

    /// RFC 9110 5.1 and 5.5: a token, and no control characters. Names that are the exporter's own cannot be given.
    static func headerProblem(_ name: String, _ value: String) -> String? {
        let isToken = !name.isEmpty && name.utf8.allSatisfy { byte in isAlphanumeric(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte) }
        guard isToken else { return "'\(name)' is not the name of a header" }
        guard !["content-type", "content-encoding", "content-length", "transfer-encoding", "host", "expect"].contains(name.lowercased()) else {
            return "the header '\(name)' is the exporter's own"
        }
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == UInt8(ascii: "\t") }) else {
            return "the value of '\(name)' has control characters, such as the end of a line"
        }
        return value.utf8.count <= maxValueBytes ? nil : "the value of '\(name)' has more than \(maxValueBytes) bytes"
    }

    static func attributeProblem(_ name: String, _ value: String) -> String? {
        guard (1...256).contains(name.utf8.count), name.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
            return "'\(name)' is not the name of an attribute: 1 to 256 bytes without blanks"
        }
        return value.utf8.count <= maxValueBytes ? nil : "the value of '\(name)' has more than \(maxValueBytes) bytes"
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// What is wrong with a text: a sentence for people.
struct TextProblem: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension Substring {
    /// Without the blanks around it.
    var trimmed: Substring {
        var text = self
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" || text.last == "\r" { text.removeLast() }
        return text
    }
}

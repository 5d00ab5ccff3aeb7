// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import KubernetesClient

/// A label selector as `kubectl -l` takes it: `role=worker,zone in (a,b),!virtual`. All parts must hold; none means every object.
package struct LabelSelector: Sendable, Hashable {
    /// One part. A label that is not there is unequal to every value, as in Kubernetes.
    enum Requirement: Sendable, Hashable {
        case isIn(String, Set<String>)
        case isNotIn(String, Set<String>)
        case exists(String)
        case isMissing(String)

        var key: String {
            switch self {
            case .isIn(let key, _), .isNotIn(let key, _), .exists(let key), .isMissing(let key): key
            }
        }

        func holds(_ labels: Labels) -> Bool {
            switch self {
            case .isIn(let key, let values): labels[key].map(values.contains) ?? false
            case .isNotIn(let key, let values): labels[key].map { !values.contains($0) } ?? true
            case .exists(let key): labels[key] != nil
            case .isMissing(let key): labels[key] == nil
            }
        }
    }

    /// What is wrong, and at which byte.
    package struct Problem: Error, CustomStringConvertible {
        package let description: String
        package let offset: Int
    }

    private(set) var requirements: [Requirement] = []

    /// Matches everything.
    package init() {}

    package init(_ text: String) throws(Problem) {
        var parser = SelectorParser(text)
        requirements = try parser.requirements()
    }

    package var matchesAll: Bool { requirements.isEmpty }

    /// The labels that it looks at, each once.
    package var keys: [String] {
        requirements.map(\.key).reduce(into: []) { keys, key in if !keys.contains(key) { keys.append(key) } }
    }

    package func matches(_ labels: Labels) -> Bool { requirements.allSatisfy { $0.holds(labels) } }
}

/// Reads `key`, `!key`, `key=value`, `key==value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, separated by commas.
private struct SelectorParser {
    /// More parts than anybody writes.
    private static let maxRequirements = 64

    private let bytes: [UInt8]
    private var offset = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func requirements() throws(LabelSelector.Problem) -> [LabelSelector.Requirement] {
        var found: [LabelSelector.Requirement] = []
        skipBlanks()
        if offset == bytes.count { return [] }
        while true {
            guard found.count < Self.maxRequirements else { throw problem("more than \(Self.maxRequirements) parts") }
            found.append(try requirement())
            skipBlanks()
            if offset == bytes.count { return found }
            guard take(",") else { throw problem("expected ',' or the end") }
            skipBlanks()
        }
    }

    private mutating func requirement() throws(LabelSelector.Problem) -> LabelSelector.Requirement {
        if take("!") {
            skipBlanks()
            return .isMissing(try key())
        }
        let key = try key()
        skipBlanks()
        if take("!=") { return .isNotIn(key, [try value()]) }
        if take("==") || take("=") { return .isIn(key, [try value()]) }
        if takeWord("in") { return .isIn(key, try values()) }
        if takeWord("notin") { return .isNotIn(key, try values()) }
        return .exists(key)
    }

    private mutating func values() throws(LabelSelector.Problem) -> Set<String> {
        skipBlanks()
        guard take("(") else { throw problem("expected '(' and values such as (a, b)") }
        var values: Set<String> = []
        repeat { values.insert(try value()) } while take(",")
        guard take(")") else { throw problem("expected ',' or ')'") }
        return values
    }

    /// `name` or `prefix.example.com/name`.
    private mutating func key() throws(LabelSelector.Problem) -> String {
        let start = offset
        let text = word { Self.isNameByte($0) || $0 == UInt8(ascii: "/") }
        guard LabelKey.isValid(text) else {
            offset = start
            throw problem(text.isEmpty ? "expected a label such as topology.kubernetes.io/zone" : "'\(text)' is no label's name")
        }
        return text
    }

    /// May be empty, as values of labels may.
    private mutating func value() throws(LabelSelector.Problem) -> String {
        skipBlanks()
        let start = offset
        let text = word(Self.isNameByte)
        guard text.isEmpty || LabelKey.isName(text) else {
            offset = start
            throw problem("'\(text)' is no label's value: at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends")
        }
        skipBlanks()
        return text
    }

    private mutating func word(_ isPart: (UInt8) -> Bool) -> String {
        let start = offset
        while offset < bytes.count, isPart(bytes[offset]) { offset += 1 }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func take(_ mark: String) -> Bool {
        guard bytes[offset...].starts(with: mark.utf8) else { return false }
        offset += mark.utf8.count
        return true
    }

    /// A word that is not the beginning of another.
    private mutating func takeWord(_ text: String) -> Bool {
        guard bytes[offset...].starts(with: text.utf8) else { return false }
        let end = offset + text.utf8.count
        guard end == bytes.count || !Self.isNameByte(bytes[end]) else { return false }
        offset = end
        return true
    }

    private mutating func skipBlanks() {
        while offset < bytes.count, bytes[offset] == UInt8(ascii: " ") || bytes[offset] == UInt8(ascii: "\t") { offset += 1 }
    }

    private func problem(_ message: String) -> LabelSelector.Problem { LabelSelector.Problem(description: message, offset: offset) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        LabelKey.isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }
}

/// The names that labels may have: `app`, `app.kubernetes.io/team`.
enum LabelKey {
    static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return isName(parts[0])
        case 2: return isDomain(parts[0]) && isName(parts[1])
        default: return false
        }
    }

    /// At most 63 letters, digits, `-`, `_` and `.`, a letter or digit at both ends.
    static func isName(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...63).contains(bytes.count), let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last)
        else { return false }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
    }

    private static func isDomain(_ text: some StringProtocol) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.utf8.first, let last = Array(part.utf8).last, isAlphanumeric(first), isAlphanumeric(last) else { return false }
            return part.utf8.allSatisfy { isAlphanumeric($0) && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "-") }
        }
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}

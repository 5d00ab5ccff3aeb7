// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import WeirKit

/// Owners and who answers for them.
///
///     owner,team,cost_center
///     checkout,payments,cc-1001
///     search-*,search,cc-2002       a pattern: * and ?; an owner named in full comes before all patterns, then the first that fits
///
/// Plain CSV, no quotes. Blank lines and lines that begin with # mean nothing.
package struct Inventory: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package let team: String
        package let costCenter: String

        package init(team: String, costCenter: String) {
            self.team = team
            self.costCenter = costCenter
        }
    }

    static let header = ["owner", "team", "cost_center"]
    package static let maxBytes = 4 << 20
    package static let maxOwners = 50_000
    /// Each pattern may be tried for each new endpoint, on the thread that all flows pass.
    package static let maxPatterns = 200

    private(set) var owners: [String: Entry] = [:]
    private(set) var patterns: [(glob: Glob, entry: Entry)] = []

    /// Nobody.
    init() {}

    /// What is wrong is noted in `problems` with its line and column; the lines that are right are kept.
    package init(csv bytes: [UInt8], file: String, problems: ConfigProblems) {
        self.init()
        read(bytes, file, problems)
    }

    private mutating func read(_ bytes: [UInt8], _ file: String, _ problems: ConfigProblems) {
        func note(_ message: String, _ line: Int = 1, _ column: Int = 1) {
            problems.note(.badTable, message, at: ConfigPosition(file: file, line: line, column: column))
        }
        guard bytes.count <= Self.maxBytes else { return note("an inventory has at most \(ByteCount(Self.maxBytes).configText)") }
        guard let text = String(validating: bytes, as: UTF8.self) else { return note("the file is not UTF-8 text") }
        var hasHeader = false
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let number = index + 1
            if line.allSatisfy(\.isWhitespace) || line.hasPrefix("#") { continue }
            let fields = Self.fields(of: line)
            guard hasHeader else {
                guard fields.map(\.text) == Self.header else { return note("expected the header \(Self.header.joined(separator: ","))", number) }
                hasHeader = true
                continue
            }
            guard fields.count == Self.header.count else {
                note("expected 3 fields (\(Self.header.joined(separator: ","))), found \(fields.count)", number)
                continue
            }
            if let empty = fields.prefix(2).first(where: { $0.text.isEmpty }) {
                note("an owner and a team must be written", number, empty.column)
            } else if let quoted = fields.first(where: { $0.text.contains("\"") }) {
                note("quotes are not read here; write the field without", number, quoted.column)
            } else if let complaint = add(fields[0].text, Entry(team: fields[1].text, costCenter: fields[2].text)) {
                note(complaint, number)
            }
        }
        if !hasHeader { note("expected the header \(Self.header.joined(separator: ",")), found no line at all") }
    }

    /// Cells without the blanks around them, and the column where each begins.
    private static func fields(of line: Substring) -> [(text: String, column: Int)] {
        var fields: [(text: String, column: Int)] = []
        var column = 1
        for field in line.split(separator: ",", omittingEmptySubsequences: false) {
            let trimmed = field.drop(while: \.isWhitespace)
            let end = trimmed.lastIndex { !$0.isWhitespace }
            fields.append((end.map { String(trimmed[...$0]) } ?? "", column + field.count - trimmed.count))
            column += field.count + 1
        }
        return fields
    }

    /// Why the line cannot be taken; nil when it was.
    private mutating func add(_ owner: String, _ entry: Entry) -> String? {
        if owner.contains(where: { $0 == "*" || $0 == "?" }) {
            guard patterns.count < Self.maxPatterns else { return "an inventory has at most \(Self.maxPatterns) patterns" }
            if patterns.contains(where: { $0.glob.pattern == owner }) { return "'\(owner)' stands twice" }
            patterns.append((Glob(owner), entry))
        } else {
            guard owners.count < Self.maxOwners else { return "an inventory has at most \(Self.maxOwners) owners" }
            guard owners.updateValue(entry, forKey: owner) == nil else { return "'\(owner)' stands twice" }
        }
        return nil
    }

    /// Who answers for `owner`; nil when no line names it.
    package func entry(for owner: String) -> Entry? {
        owners[owner] ?? patterns.first { $0.glob.matches(owner) }?.entry
    }

    /// All lines.
    var entries: [Entry] { Array(owners.values) + patterns.map(\.entry) }

    package static func == (a: Inventory, b: Inventory) -> Bool {
        a.owners == b.owners && a.patterns.elementsEqual(b.patterns) { $0 == $1 }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// What was expected beside what came out, as lines for people: `-` was expected, `+` came out.
enum Comparison {
    /// Lines of one case beyond these are counted.
    private static let mostLines = 60

    /// Each row stands for the series that have its facts, together; each series must belong to one row.
    static func series(_ rows: [Expectation.Row], _ snapshot: MetricSnapshot, isPartial: Bool) -> [String] {
        let width = snapshot.attributes.count
        let series = snapshot.values.indices.map { index in
            var facts: [String: String] = index == snapshot.overflow ? ["otel.metric.overflow": "true"] : [:]
            for (column, name) in snapshot.attributes.enumerated() where index != snapshot.overflow {
                facts[name] = snapshot.texts[index * width + column]
            }
            return facts
        }
        var owners = [Int](repeating: 0, count: series.count)
        var lines: [String] = []
        for row in rows {
            let matching = series.indices.filter { fits(row.facts, series[$0]) }
            for index in matching { owners[index] += 1 }
            let sum = matching.reduce(UInt64(0)) { $0 + snapshot.values[$1] }
            if matching.isEmpty || sum != row.value {
                lines.append("    - \(text(row.facts)) \(row.value)")
                if !matching.isEmpty { lines.append("    + \(text(row.facts)) \(sum)") }
            }
        }
        for index in series.indices {
            let facts = snapshot.attributes.map { (name: $0, text: series[index][$0] ?? "") }.filter { !$0.text.isEmpty }
            let shown = index == snapshot.overflow ? "{otel.metric.overflow: true}" : text(facts)
            if owners[index] == 0, !isPartial { lines.append("    + \(shown) \(snapshot.values[index])") }
            if owners[index] > 1 {
                lines.append("    ! \(shown) \(snapshot.values[index]) belongs to \(owners[index]) of the expected rows: say more in each")
            }
        }
        return titled("series of \(snapshot.name)", lines)
    }

    /// Each expected record is another one that came out, and none is left.
    static func records(_ expected: [Expectation.Facts], _ got: [[String: String]], isPartial: Bool) -> [String] {
        var free = Array(got.indices)
        var lines: [String] = []
        // Those that say most choose first.
        for facts in expected.enumerated().sorted(by: { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }).map(\.element) {
            if let place = free.firstIndex(where: { fits(facts, got[$0]) }) { free.remove(at: place) } else { lines.append("    - \(text(facts))") }
        }
        if !isPartial || !lines.isEmpty {
            for index in free { lines.append("    + \(text(got[index].sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))") }
        }
        return titled("records", lines)
    }

    static func scopes(_ expected: [(name: String, bytes: UInt64)], _ got: [String: UInt64], isPartial: Bool) -> [String] {
        var lines: [String] = []
        for (name, bytes) in expected where got[name, default: 0] != bytes {
            lines.append("    - \(name) \(bytes)")
            lines.append("    + \(name) \(got[name, default: 0])")
        }
        if !isPartial {
            for (name, bytes) in got.sorted(by: { $0.key < $1.key }) where !expected.contains(where: { $0.name == name }) {
                lines.append("    + \(name) \(bytes)")
            }
        }
        return titled("bytes by traffic.scope", lines)
    }

    /// Two files line by line: those that are in one of them alone, with their numbers there.
    static func lines(_ name: String, _ expected: [UInt8], _ got: [UInt8]) -> [String] {
        if expected == got { return [] }
        let (a, b) = (split(expected), split(got))
        var steps: [(place: Int, mark: String, line: String)] = []
        for step in b.difference(from: a) {
            switch step {
            case .remove(let offset, let line, _): steps.append((offset, "-", line))
            case .insert(let offset, let line, _): steps.append((offset, "+", line))
            }
        }
        steps.sort { ($0.place, $1.mark) < ($1.place, $0.mark) }
        var script = steps.map { "    \($0.mark) \($0.place + 1): \($0.line)" }
        if script.isEmpty { script = ["    ! the files differ in their ends of lines"] }
        return titled(name, script)
    }

    private static func split(_ bytes: [UInt8]) -> [String] {
        // A million lines in other order would take for ever to compare well.
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).prefix(10_000).map {
            String(decoding: $0, as: UTF8.self).cleanedLine
        }
    }

    private static func titled(_ title: String, _ lines: [String]) -> [String] {
        if lines.isEmpty { return [] }
        let more = lines.count > mostLines ? ["    … and \(lines.count - mostLines) more lines"] : []
        return ["  \(title)"] + lines.prefix(mostLines) + more
    }

    /// An empty text means that there is none.
    private static func fits(_ facts: Expectation.Facts, _ got: [String: String]) -> Bool {
        facts.allSatisfy { got[$0.name, default: ""] == $0.text }
    }

    private static func text(_ facts: Expectation.Facts) -> String {
        "{" + facts.map { "\($0.name): \($0.text.isEmpty ? "\"\"" : $0.text.cleaned)" }.joined(separator: ", ") + "}"
    }
}

extension String {
    /// What a terminal may be sent, however long.
    fileprivate var cleanedLine: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) ? "?" : $0 }))
    }
}

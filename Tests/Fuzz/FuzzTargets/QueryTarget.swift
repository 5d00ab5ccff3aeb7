// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
internal import PromQL
internal import WeirHost
internal import WeirKit

extension FuzzTarget {
    /// Queries, as `weir check --queries` reads them: warnings stand in the file; a query is the same query in a rule, in a dashboard and
    /// alone; what is halved is found, wherever the halving stands, and what is doubled is not.
    static let queries = FuzzTarget(
        "queries",
        words: [
            "beyla_network_flow_bytes_total", "weir_network_inter_zone_bytes_total", "obi_network_flow_packets_total", "network_flow_bytes_total",
            "sum by (", "rate(", "[5m]", " / 2", " * 0.5", "/ (2.0)", "vector(2)", "expr: ", "\"expr\": \"", "- record: a:b\n  expr: a:b / 2\n",
            "|\n",
            "{__name__=~\"", "{\"beyla.network.flow.bytes\"}", "k8s_src_owner_name", "src_owner_name", "offset", "on (", "group_left", "#", "\\u0022",
            "'", "`", "${x}", "\n  ", "é",
        ]
    ) { (bytes) throws(BrokenLaw) in
        for name in ["q.promql", "q.yaml", "q.json"] {
            let found = WeirHost.warnings(ofQueries: bytes, as: name)
            let problems = ConfigProblems()
            for warning in found.warnings { problems.note(.conflict, warning.message, at: warning.position) }
            try Places.check(problems, in: bytes)
        }
        guard let query = try? Parser.parse(bytes) else { return }
        try QueryLaws.ranges(query, within: 0..<bytes.count)
        let all = Parser.parseAll(bytes)
        try require(all.errors.isEmpty && all.queries == [query], "one query, read as \(all.queries.count) with \(all.errors.count) mistakes")
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        try QueryLaws.sameEverywhere(text)
        try QueryLaws.halves(text)
    }
}

private enum QueryLaws {
    /// A part stands within the whole.
    static func ranges(_ whole: Expression, within outer: Range<Int>) throws(BrokenLaw) {
        var all: [Range<Int>] = []
        whole.walk { all.append($0.range) }
        for range in all { try require(outer.lowerBound <= range.lowerBound && range.upperBound <= outer.upperBound, "\(range) is not in \(outer)") }
        // The first is the whole: nothing stands outside of it.
        for range in all {
            try require(all[0].lowerBound <= range.lowerBound && range.upperBound <= all[0].upperBound, "\(range) is not in \(all[0])")
        }
    }

    private static func messages(_ text: String, _ name: String) -> [String] {
        WeirHost.warnings(ofQueries: Array(text.utf8), as: name).warnings.map(\.message).sorted()
    }

    /// The query as the lines of a rule. Split by bytes: to characters a carriage return and the end of its line are one.
    private static func block(_ text: String) -> String {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return "- expr: |\n" + lines.map { "    \(String($0) ?? "")\n" }.joined()
    }

    /// Quoting changes no word of what is said.
    static func sameEverywhere(_ text: String) throws(BrokenLaw) {
        var quoted: [UInt8] = []
        JSONText.append(text, to: &quoted)
        let literal = String(decoding: quoted, as: UTF8.self)
        let alone = messages(text, "q.promql")
        for (format, file, name) in [
            ("JSON", "{\"a\":[{\"expr\" : \(literal)}]}", "q.json"), ("a quoted rule", "- alert: x\n  expr: \(literal)\n  for: 5m\n", "q.yaml"),
            ("a block", block(text), "q.yaml"),
        ] {
            // A text without anything is no query; a carriage return ends no line of YAML here.
            if text.allSatisfy(\.isWhitespace) { continue }
            let there = messages(file, name)
            try require(there == alone, "in \(format) it says \(there), alone \(alone)")
        }
    }

    /// Ours, halved in any way, is found; doubled, nothing more is said than of the query itself.
    static func halves(_ text: String) throws(BrokenLaw) {
        let before = messages(text, "q.promql").filter { $0.contains("is halved") }.count
        let isOurs = messages("(\(text)\n) * 0.5", "q.promql").filter { $0.contains("is halved") }.count > before
        for half in ["(\(text)\n) / 2", "(\(text)\n)/(1+1)", "0.5 * (\(text)\n)", "sum(\(text)\n) / vector(2.0)"] {
            let now = messages(half, "q.promql").filter { $0.contains("is halved") }.count
            try require((now > before) == isOurs, "of '\(half)' \(now) warnings, of the query \(before)")
        }
        let doubled = messages("(\(text)\n) * 2", "q.promql").filter { $0.contains("is halved") }.count
        try require(doubled == before, "doubled, and \(doubled) warnings instead of \(before)")
    }
}

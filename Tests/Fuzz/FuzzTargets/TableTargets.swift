// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CIDREnricher
internal import WeirKit
internal import WeirTesting

extension FuzzTarget {
    private static let columns = ["cidr", "zone", "team", "name", "scope", "private", "10.0.0.0/8", "10.0.0.0/20", "2001:db8::/32", "192.0.2.1"]

    /// Tables in CSV: refused at places in the file, or a table whose answers are read back the same from CSV and from JSON.
    static let csv = FuzzTarget("csv", words: columns + [",", "\n", "\r\n", "\"", "\"\"", " ", "\u{feff}"]) { (bytes) throws(BrokenLaw) in
        try table(bytes, "t.csv")
    }

    /// Tables in JSON: the same.
    static let json = FuzzTarget(
        "json",
        words: columns.map { "\"\($0)\"" } + [
            "{", "}", "[", "]", ":", ",", "\\u0000", "\\ud83d\\ude00", "\\ud800", "\\\"", "null", "true", "1e9", "-0.5", "\u{feff}", "{\"cidr\":",
        ]
    ) { (bytes) throws(BrokenLaw) in
        try table(bytes, "t.json")
    }

    private static func table(_ bytes: [UInt8], _ file: String) throws(BrokenLaw) {
        let problems = ConfigProblems()
        let table = read(bytes, file, problems)
        try Places.check(problems, in: bytes)
        // Twenty per file, and what ends the reading.
        try require(problems.count <= 22, "\(problems.count) problems of one file")
        guard problems.count == 0 else { return }

        let addresses = addresses(in: bytes)
        let rows = answers(table, addresses)
        let names = table.writes.subtracting([.cidr]).map(\.name).sorted()
        let csv = ([["cidr"] + names] + rows.map { row in [row.address.description] + names.map { row.texts[$0] ?? "" } })
            .map {
                $0.map { "\"" + $0.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" }.joined(separator: ",")
            }
        try readBack(csv.joined(separator: "\n"), "b.csv", rows, addresses)
        let objects = rows.map { row in
            "{" + (["cidr": row.address.description].merging(row.texts) { $1 }).map { "\(quoted($0)):\(quoted($1))" }.joined(separator: ",") + "}"
        }
        try readBack("[" + objects.joined(separator: ",") + "]", "b.json", rows, addresses)
    }

    private struct Row: Equatable {
        let address: IPAddress
        let texts: [String: String]
    }

    private static func read(_ bytes: [UInt8], _ file: String, _ problems: ConfigProblems) -> CIDREnricher {
        let place = ConfigPosition(file: file, line: 1, column: 1)
        func scalar(_ text: String) -> ConfigNode { ConfigNode(.scalar(text), at: place) }
        let node = ConfigNode(.mapping([ConfigNode.Entry(key: scalar("file"), value: scalar(file))]), at: place)
        let files = ConfigFiles { (_, _) throws(ConfigFileError) in bytes }
        var options = CIDROptions()
        if var section = ConfigSection(node, problems: problems, files: files) { options.read(&section) }
        return CIDREnricher(options, .testing("cidr"))
    }

    /// What the table says of each address of which it says anything but its range.
    private static func answers(_ table: CIDREnricher, _ addresses: [IPAddress]) -> [Row] {
        let asked = Questions.ask(table, addresses.map { Questions.Endpoint($0.description) })
        return zip(addresses, asked).compactMap { address, answers in
            var texts: [String: String] = [:]
            for (attribute, answer) in answers where attribute != .cidr {
                if case .text(let text) = answer { texts[attribute.name] = text }
            }
            return texts.isEmpty ? nil : Row(address: address, texts: texts)
        }
    }

    private static func readBack(_ text: String, _ file: String, _ rows: [Row], _ addresses: [IPAddress]) throws(BrokenLaw) {
        let problems = ConfigProblems()
        let again = read(Array(text.utf8), file, problems)
        try require(problems.count == 0, "what it says is refused in \(file): \(problems.all.first?.message ?? "")\n\(text)")
        try require(answers(again, addresses) == rows, "what it says is read back from \(file) as something else:\n\(text)")
    }

    /// Up to 32 addresses that the file mentions, each once.
    private static func addresses(in bytes: [UInt8]) -> [IPAddress] {
        var seen: Set<IPAddress> = []
        var found: [IPAddress] = []
        let marks = Set("0123456789abcdefABCDEF:./".utf8)
        for part in bytes.split(whereSeparator: { !marks.contains($0) }) {
            guard found.count < 32, let range = CIDR(String(decoding: part, as: UTF8.self)), seen.insert(range.address).inserted else { continue }
            found.append(range.address)
        }
        return found
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}

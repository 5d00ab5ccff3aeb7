// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import WeirKit

/// One metric as CSV (RFC 4180): a column per attribute, its value, and since when that was counted. The largest value stands first.
package struct CSVTable {
    package let text: String

    package init(_ snapshot: MetricSnapshot) {
        let width = snapshot.attributes.count
        var lines = [(snapshot.attributes + [snapshot.unit == "By" ? "bytes" : "packets", "since"]).map(Self.cell).joined(separator: ",")]
        let rows = snapshot.values.indices.map { index in
            // The series of what was beyond `max_series` has no values of its own.
            let texts =
                index == snapshot.overflow ? [String](repeating: "(other)", count: width) : Array(snapshot.texts[index * width..<(index + 1) * width])
            return (texts: texts, value: snapshot.values[index], since: snapshot.created[index])
        }
        for row in rows.sorted(by: { $0.value == $1.value ? $0.texts.lexicographicallyPrecedes($1.texts) : $0.value > $1.value }) {
            let since = Date(timeIntervalSince1970: Double(row.since) / 1e9).ISO8601Format()
            lines.append((row.texts + [String(row.value), since]).map(Self.cell).joined(separator: ","))
        }
        text = lines.joined(separator: "\r\n") + "\r\n"
    }

    /// Names come from outside: one that a spreadsheet would run as a formula is made a text by the apostrophe it knows for that.
    static func cell(_ value: String) -> String {
        let inert = value.first.map { "=+-@".contains($0) } == true ? "'" + value : value
        guard inert.contains(where: { ",\"\r\n".contains($0) }) else { return inert }
        return "\"" + inert.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Records as lines of a table: columns appear when they first have a value, and keep their widths, so that what follows stands in line.
struct TapTable {
    private struct Column {
        let name: String
        let title: String
        var width = 0
        /// Nothing has had a value there yet.
        var isHidden = true
    }

    private static let widest = 40
    private static let linesPerHeader = 50
    private static let numbers: Set<String> = ["bytes", "packets"]

    private var columns: [Column] = []
    private var records: [TapRecord] = []
    private var linesSinceHeader = 0

    /// Records with these attributes follow.
    mutating func begin(_ names: [String]) {
        columns = (["time"] + names + ["bytes", "packets"]).map { Column(name: $0, title: String($0.cleaned.prefix(Self.widest))) }
        linesSinceHeader = Self.linesPerHeader
    }

    mutating func add(_ record: TapRecord) { records.append(record) }

    /// The lines of what was added, with a header where the columns changed or the last one has scrolled away.
    mutating func take() -> [UInt8] {
        if records.isEmpty { return [] }
        var isNew = false
        for record in records {
            for index in columns.indices {
                guard let value = record.values[columns[index].name] else { continue }
                let width = min(max(Self.cell(columns[index].name, value).count, columns[index].title.count), Self.widest)
                if columns[index].isHidden || width > columns[index].width { isNew = true }
                columns[index].isHidden = false
                columns[index].width = max(columns[index].width, width)
            }
        }
        if isNew { linesSinceHeader = Self.linesPerHeader }
        var text = ""
        let shown = columns.filter { !$0.isHidden }
        for record in records {
            if linesSinceHeader >= Self.linesPerHeader {
                text += Self.line(shown.map { ($0, $0.title) })
                linesSinceHeader = 0
            }
            text += Self.line(shown.map { ($0, Self.cell($0.name, record.values[$0.name] ?? "-")) })
            linesSinceHeader += 1
            for (attribute, what) in record.explained {
                text += "    \(Self.explanation(attribute, record.values[attribute], what))\n"
                linesSinceHeader += 1
            }
        }
        records.removeAll(keepingCapacity: true)
        return Array(text.utf8)
    }

    /// `src.zone=eu-west-1a by cidr; also: node_zone`.
    static func explanation(_ attribute: String, _ value: String?, _ what: TapRecord.Explanation) -> String {
        var text = attribute.cleaned
        if let by = what.by { text += "=\((value ?? "").cleaned) by \(by.cleaned)" } else { text += ": nobody" }
        if !what.also.isEmpty { text += "; also: \(what.also.joined(separator: ", ").cleaned)" }
        if !what.asked.isEmpty { text += "; had no answer: \(what.asked.joined(separator: ", ").cleaned)" }
        return text
    }

    /// What a terminal may be sent, at most so wide; of the time, the clock.
    private static func cell(_ name: String, _ value: String) -> String {
        let text = value.cleaned
        if name == "time", let clock = text.split(separator: "T").last, text.count == 24 { return String(clock.prefix(8)) }
        return text.count <= widest ? text : text.prefix(widest - 1) + "…"
    }

    private static func line(_ cells: [(column: Column, text: String)]) -> String {
        var line = cells.map { column, text in
            let space = String(repeating: " ", count: max(0, column.width - text.count))
            return numbers.contains(column.name) ? space + text : text + space
        }.joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }
}

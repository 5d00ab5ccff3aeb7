// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WeirCapture
internal import WeirKit
internal import WeirPipeline

/// Adds records up over all windows, by the texts of their attributes: what `weir replay` shows people.
final class FlowSums: RecordExporter {
    /// Distinct flows beyond these are one line.
    private static let limit = 1 << 16
    /// Lines of the table.
    private static let shown = 40

    private struct State {
        var sums: [[String]: Amount] = [:]
        var beyond = Amount()
    }

    private let attributes: [SelectedAttribute]
    private let names: [String]
    private let state = Mutex(State())

    /// The columns have the names of `naming`.
    init(_ attributes: [SelectedAttribute], naming: NamingProfile = .weir) {
        self.attributes = attributes
        names = NamedAttributes(attributes, naming).names
    }

    func export(_ records: RecordBatch) async throws(ExportError) {
        state.withLock { state in
            for row in records.rows {
                let texts = attributes.indices.map { column in
                    switch records.value(column, row) {
                    case .text(let text): text
                    case .number(let number): String(number)
                    case nil: "-"
                    }
                }
                let amount = Amount(bytes: records.bytes[row], packets: records.packets[row])
                if state.sums[texts] == nil, state.sums.count >= Self.limit {
                    state.beyond += amount
                } else {
                    state.sums[texts, default: Amount()] += amount
                }
            }
        }
    }

    private static func isBefore(_ a: (key: [String], value: Amount), _ b: (key: [String], value: Amount)) -> Bool {
        if a.value.bytes != b.value.bytes { return a.value.bytes > b.value.bytes }
        return a.key.lexicographicallyPrecedes(b.key)
    }

    /// The bytes per text of the first attribute.
    var bytes: [String: UInt64] {
        state.withLock { Dictionary($0.sums.map { ($0.key.first ?? "", $0.value.bytes) }, uniquingKeysWith: +) }
    }

    /// The largest flows first; of equals the first by text.
    var text: String {
        let (sums, beyond) = state.withLock { ($0.sums, $0.beyond) }
        let ranked = sums.map { (key: $0.key, value: $0.value) }.sorted(by: Self.isBefore)
        var rows = [names + ["bytes", "packets"]]
        for (key, value) in ranked.prefix(Self.shown) { rows.append(key + [String(value.bytes), String(value.packets)]) }
        var rest = beyond
        for (_, value) in ranked.dropFirst(Self.shown) { rest += value }
        var text = TextTable.text(rows, numbers: 2)
        if rest.packets > 0 {
            let count = max(0, ranked.count - Self.shown)
            text += "… and \(count)\(beyond.packets > 0 ? " or more" : "") more flows, \(rest.bytes) bytes, \(rest.packets) packets\n"
        }
        return text
    }
}

/// Columns in line.
enum TextTable {
    /// The last `numbers` columns to the right, the others to the left. Texts from outside lose what a terminal would obey.
    static func text(_ rows: [[String]], numbers: Int) -> String {
        let rows = rows.map { $0.map(\.cleaned) }
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column < row.count - numbers ? row[column] + space : space + row[column]
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

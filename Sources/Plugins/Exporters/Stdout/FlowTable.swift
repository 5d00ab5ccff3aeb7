// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Makes the lines of the table. Remembers its widths, so that tables of following windows stand in line.
package struct FlowTable: Sendable {
    private let rowLimit: Int
    private let palette: Palette
    private var columns = TableColumns([])
    /// Per field: what the texts seen so far would like to have.
    private var wantedWidths: [Int] = []
    private var shownWidths: [Int] = []
    private var gap = ""
    private var linesSinceHeader = 0

    /// Room for a whole IPv6 address (39), and for most names.
    private static let widest = 40
    private static let narrowest = 6
    /// `1,023.9 KiB` and `9,999,999`: numbers seldom grow beyond, so they seldom move the columns.
    private static let numberWidths = [11, 9]
    private static let linesPerHeader = 50

    package init(rowLimit: Int, palette: Palette) {
        self.rowLimit = rowLimit
        self.palette = palette
    }

    /// The lines of one window; none for an empty one. The header comes first, and again when the widths changed or it
    /// has scrolled away.
    package mutating func text(_ window: WindowFlows, lineWidth: Int?) -> String {
        if window.flows.isEmpty { return "" }
        let columns = TableColumns(window.attributes, called: window.names)
        let ranked = window.flows.indices.sorted { (window.flows[$1].bytes, $0) < (window.flows[$0].bytes, $1) }
        let shown = ranked.prefix(rowLimit)
        let lines = shown.enumerated().map { place, row in fields(columns, window, row, isFirst: place == 0) }
        let titles = titles(columns)

        if columns != self.columns || wantedWidths.isEmpty { wantedWidths = titles.map(DisplayText.width).dropLast(2) + Self.numberWidths }
        for line in lines {
            for index in line.indices { wantedWidths[index] = max(wantedWidths[index], min(DisplayText.width(line[index]), Self.widest)) }
        }
        let widths = fitted(columns, into: lineWidth, numbers: lines.map { ($0[$0.count - 2], $0[$0.count - 1]) })
        var text = ""
        if columns != self.columns || widths != shownWidths || linesSinceHeader >= Self.linesPerHeader {
            self.columns = columns
            shownWidths = widths
            linesSinceHeader = 0
            text += palette.paint(render(titles, scope: nil), .header) + "\n"
        }
        for (line, row) in zip(lines, shown) { text += render(line, scope: scope(window, row)) + "\n" }
        linesSinceHeader += lines.count
        let more = ranked.count - shown.count + window.turnedAway.rows
        if more > 0 {
            let bytes = ranked.dropFirst(rowLimit).reduce(window.turnedAway.bytes) { $0 &+ window.flows[$1].bytes }
            let line = "… and \(HumanUnits.grouped(UInt64(more))) more \(more == 1 ? "flow" : "flows"), \(HumanUnits.bytes(bytes))"
            text += String(repeating: " ", count: shownWidths[0]) + gap + palette.paint(line, .quiet) + "\n"
            linesSinceHeader += 1
        }
        return text
    }

    // MARK: Fields: the time, one or two per column, bytes, packets.

    private func titles(_ columns: TableColumns) -> [String] {
        var titles = ["TIME UTC"]
        for column in columns.columns {
            switch column {
            case .single(let index): titles.append(columns.titles[index])
            case .pair(let source, let destination): titles += [columns.titles[source], columns.titles[destination]]
            }
        }
        return titles + ["BYTES", "PACKETS"]
    }

    private func fields(_ columns: TableColumns, _ window: WindowFlows, _ row: Int, isFirst: Bool) -> [String] {
        var fields = [isFirst ? HumanUnits.clock(window.window.upperBound) : ""]
        for column in columns.columns {
            switch column {
            case .single(let index): fields.append(field(window, index, row))
            case .pair(let source, let destination): fields += [field(window, source, row), field(window, destination, row)]
            }
        }
        return fields + [HumanUnits.bytes(window.flows[row].bytes), HumanUnits.grouped(window.flows[row].packets)]
    }

    private func field(_ window: WindowFlows, _ column: Int, _ row: Int) -> String {
        switch window.value(column, row) {
        case .text(let text): DisplayText.cleaned(text)
        case .number(let number): String(number)
        case nil: "-"
        }
    }

    private func scope(_ window: WindowFlows, _ row: Int) -> String? {
        guard let scope = columns.scope, case .text(let name)? = window.value(scope, row) else { return nil }
        return name
    }

    // MARK: Lines.

    /// Fields padded and cut to their widths; where a scope is given, its own field and the bytes wear its colour.
    private func render(_ fields: [String], scope: String?) -> String {
        var line = cell(fields, 0)
        var index = 1
        for column in columns.columns {
            line += gap
            switch column {
            case .single(let attribute):
                let text = cell(fields, index)
                line += attribute == columns.scope ? paint(text, scope) : text
                index += 1
            case .pair:
                line += cell(fields, index) + " → " + cell(fields, index + 1)
                index += 2
            }
        }
        return line + gap + paint(cell(fields, index, toTheRight: true), scope) + gap + cell(fields, index + 1, toTheRight: true)
    }

    private func cell(_ fields: [String], _ index: Int, toTheRight: Bool = false) -> String {
        DisplayText.padded(DisplayText.cut(fields[index], to: shownWidths[index]), to: shownWidths[index], toTheRight: toTheRight)
    }

    private func paint(_ text: String, _ scope: String?) -> String { scope.map { palette.paint(text, .scope($0)) } ?? text }

    /// Makes a line fit, where that can be: first by what is only for looks, then by cells of the widest texts. The
    /// scope, which is short and what people look for, and time and numbers stay whole.
    private mutating func fitted(_ columns: TableColumns, into lineWidth: Int?, numbers: [(bytes: String, packets: String)]) -> [Int] {
        var widths = wantedWidths
        gap = "   "
        guard let lineWidth else { return widths }
        let pairs = columns.columns.count { if case .pair = $0 { true } else { false } }
        let gaps = columns.columns.count + 2
        var excess = widths.reduce(gaps * gap.count + pairs * " → ".count, +) - lineWidth
        guard excess > 0 else { return widths }
        gap = "  "
        excess -= gaps
        let needs = [numbers.map(\.bytes.count).max() ?? 0, numbers.map(\.packets.count).max() ?? 0]
        for (index, width) in [(widths.count - 2, max(needs[0], "999.9 KiB".count)), (widths.count - 1, max(needs[1], "PACKETS".count))] {
            excess -= widths[index] - width
            widths[index] = width
        }
        let texts = columns.cuttableFields
        while excess > 0, let index = texts.max(by: { widths[$0] < widths[$1] }), widths[index] > Self.narrowest {
            widths[index] -= 1
            excess -= 1
        }
        return widths
    }
}

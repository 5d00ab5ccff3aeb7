// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// The clients of `weir tap` as the data thread serves them.
struct LiveCutters: ~Copyable {
    private final class Box {
        var cutter: LiveCutter
        init(_ cutter: consuming LiveCutter) { self.cutter = cutter }
    }

    private let taps: LiveTaps?
    private var version: UInt64 = 0
    private var boxes: [(tap: LiveTap, box: Box)] = []

    init(_ taps: LiveTaps?) { self.taps = taps }

    /// Once per batch: one load of a number while nobody listens.
    mutating func cut(_ rows: [Int], _ batch: borrowing FlowBatch, window: Range<UInt64>, _ knowledge: borrowing Knowledge, _ plan: Plan) {
        guard let taps else { return }
        let current = taps.version
        if current != version {
            version = current
            boxes = taps.all.map { tap in boxes.first { $0.tap === tap } ?? (tap, Box(LiveCutter(tap, layout: plan.layout))) }
        }
        for (_, box) in boxes { box.cutter.cut(rows, batch, window: window, knowledge) }
    }
}

/// A `LiveTap` as the data thread runs it. What it remembers between batches is bounded whatever the client asked for, and so is its time.
struct LiveCutter: ~Copyable {
    private enum Source {
        case column(Column)
        /// Of the endpoint itself: no column of the plan is needed.
        case address(End)
    }

    /// Rows that are frozen together: few enough that the longest texts fit into the queue.
    private static let sliceRows = 256

    private let tap: LiveTap
    private let sources: [Source]
    private let budget = FilterBudget()
    private var filter: FilterProgram?
    private var chosen: [Int] = []
    private var words: [UInt32] = []
    private var isOver = false

    init(_ tap: LiveTap, layout: ColumnLayout) {
        self.tap = tap
        sources = tap.attributes.map { selected in
            if selected.attribute == .address, let end = selected.end { return .address(end) }
            return .column(layout.column(selected))
        }
        let budget = budget
        filter = tap.filter.map { FilterProgram($0, layout: layout, budget: budget) }
    }

    mutating func cut(_ rows: [Int], _ batch: borrowing FlowBatch, window: Range<UInt64>, _ knowledge: borrowing Knowledge) {
        guard !isOver else { return }
        if filter == nil {
            chosen = rows
        } else {
            budget.begin()
            filter!.select(rows, batch, knowledge, into: &chosen)
            if budget.isSpent {
                isOver = true
                return tap.queue.fail("the filter takes too long: more than \(FilterBudget.time.configText) for \(rows.count) flows")
            }
        }
        guard !chosen.isEmpty else { return }
        tap.announce()
        var start = 0
        while start < chosen.count {
            if tap.queue.isBlocked { return tap.queue.turnAway(chosen.count - start) }
            let end = min(start + Self.sliceRows, chosen.count)
            tap.queue.offer(freeze(Array(chosen[start..<end]), batch, window, knowledge))
            start = end
        }
    }

    private mutating func freeze(
        _ rows: [Int], _ batch: borrowing FlowBatch, _ window: Range<UInt64>, _ knowledge: borrowing Knowledge
    ) -> LiveRecords {
        var texts: [String] = []
        var places: [UInt32: UInt32] = [:]
        var columns: [RecordBatch.Column] = []
        var answeredBy: [[UInt8]] = []
        for source in sources {
            var stages: [UInt8] = []
            switch source {
            case .address(let end): columns.append(.texts(addresses(of: end, rows, batch, &texts, knowledge)))
            case .column(let column):
                knowledge.gather(column, rows, batch, into: &words)
                if !column.isNumber {
                    if column.holdsSymbols { place(&texts, &places, knowledge) } else { knowledge.spell(column, &words, &texts, isLowerCase: false) }
                }
                columns.append(column.isNumber ? .numbers(words) : .texts(words))
                if tap.explains, case .endpoint(let index, let end) = column {
                    stages = rows.map { knowledge.endpoints.answeredBy(index, end == .source ? batch.source[$0] : batch.destination[$0]) }
                }
            }
            answeredBy.append(stages)
        }
        return LiveRecords(
            tap: tap,
            batch: RecordBatch(
                attributes: tap.attributes, columns: columns, texts: texts, bytes: rows.map { batch.bytes[$0] },
                packets: rows.map { batch.packets[$0] }, window: window),
            answeredBy: answeredBy)
    }

    /// Turns the symbols in `words` into places of texts.
    private mutating func place(_ texts: inout [String], _ places: inout [UInt32: UInt32], _ knowledge: borrowing Knowledge) {
        for index in words.indices where words[index] != 0 {
            let symbol = words[index]
            if let known = places[symbol] {
                words[index] = known
            } else {
                texts.append(knowledge.symbols.text(symbol))
                words[index] = UInt32(texts.count)
                places[symbol] = words[index]
            }
        }
    }

    private func addresses(
        of end: End, _ rows: [Int], _ batch: borrowing FlowBatch, _ texts: inout [String], _ knowledge: borrowing Knowledge
    ) -> [UInt32] {
        var places: [UInt32: UInt32] = [:]
        var words: [UInt32] = []
        words.reserveCapacity(rows.count)
        for row in rows {
            let endpoint = end == .source ? batch.source[row] : batch.destination[row]
            if let known = places[endpoint] {
                words.append(known)
            } else {
                texts.append(knowledge.endpoints.address(endpoint).description)
                places[endpoint] = UInt32(texts.count)
                words.append(UInt32(texts.count))
            }
        }
        return words
    }
}

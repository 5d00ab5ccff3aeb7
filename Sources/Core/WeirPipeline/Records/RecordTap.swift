// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Where a record exporter is connected: which rows, which attributes, which queue.
package struct RecordTap: Sendable {
    package let name: String
    package let filter: Filter?
    package let attributes: NamedAttributes
    package let queue: ExportQueue

    package init(name: String, filter: Filter?, attributes: [SelectedAttribute], naming: NamingProfile = .weir, queue: ExportQueue) {
        self.name = name
        self.filter = filter
        self.attributes = NamedAttributes(attributes, naming)
        self.queue = queue
    }
}

/// A tap as the data thread runs it: freezes the rows that pass into a batch that may leave the thread.
/// A constant number of allocations per batch, whatever its rows.
struct RecordCutter: ~Copyable {
    private let tap: RecordTap
    private let columns: [Column]
    private var filter: FilterProgram?
    private var chosen: [Int] = []
    /// Where a symbol's text stands in the batch being cut, with the number of that batch beside it.
    private var place: [UInt32] = []
    private var stamp: [UInt32] = []
    private var number: UInt32 = 0

    init(_ tap: RecordTap, layout: ColumnLayout) {
        self.tap = tap
        columns = tap.attributes.stored.map { layout.column($0) }
        filter = tap.filter.map { FilterProgram($0, layout: layout) }
    }

    mutating func cut(_ rows: [Int], _ batch: borrowing FlowBatch, window: Range<UInt64>, _ knowledge: borrowing Knowledge) {
        if filter == nil { chosen = rows } else { filter!.select(rows, batch, knowledge, into: &chosen) }
        guard !chosen.isEmpty else { return }
        number &+= 1
        if place.count < knowledge.symbols.limit {
            let missing = knowledge.symbols.limit - place.count
            place.append(contentsOf: repeatElement(0, count: missing))
            stamp.append(contentsOf: repeatElement(0, count: missing))
        }
        var texts: [String] = []
        texts.reserveCapacity(256)
        var cut: [RecordBatch.Column] = []
        cut.reserveCapacity(columns.count)
        for (index, column) in columns.enumerated() {
            cut.append(self.column(column, batch, &texts, isLowerCase: tap.attributes.lowerCase.contains(index), knowledge))
        }
        tap.queue.offer(
            RecordBatch(
                attributes: tap.attributes.selected, names: tap.attributes.names, columns: cut, texts: texts, bytes: chosen.map { batch.bytes[$0] },
                packets: chosen.map { batch.packets[$0] }, window: window))
    }

    private mutating func column(
        _ column: Column, _ batch: borrowing FlowBatch, _ texts: inout [String], isLowerCase: Bool, _ knowledge: borrowing Knowledge
    ) -> RecordBatch.Column {
        var words: [UInt32] = []
        knowledge.gather(column, chosen, batch, into: &words)
        if column.isNumber { return .numbers(words) }
        guard column.holdsSymbols else {
            knowledge.spell(column, &words, &texts, isLowerCase: isLowerCase)
            return .texts(words)
        }
        for index in words.indices where words[index] != 0 {
            let symbol = Int(words[index])
            if stamp[symbol] != number {
                texts.append(knowledge.symbols.text(words[index]))
                place[symbol] = UInt32(texts.count)
                stamp[symbol] = number
            }
            words[index] = place[symbol]
        }
        return .texts(words)
    }
}

extension Knowledge {
    /// Turns the words of a column without symbols into places of texts. Few and small words (protocols, scopes): each text once, found by
    /// looking at what is there.
    func spell(_ column: Column, _ words: inout [UInt32], _ texts: inout [String], isLowerCase: Bool) {
        var known: [(word: UInt32, place: UInt32)] = []
        for index in words.indices {
            if let seen = known.first(where: { $0.word == words[index] }) {
                words[index] = seen.place
            } else {
                let text = text(column, words[index])
                texts.append(isLowerCase ? text.lowercased() : text)
                known.append((words[index], UInt32(texts.count)))
                words[index] = UInt32(texts.count)
            }
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Patterns
internal import WeirKit

/// A filter as the row loop runs it: comparisons in postfix order over columns, one bit per open level.
///
/// A text is looked at once per distinct symbol; what it answered is kept beside the symbol's epoch, so that a number
/// that got a new text is looked at again.
struct FilterProgram: ~Copyable {
    private enum Step {
        case test(Int)
        case not, and, or
    }

    private enum Test {
        case number(NumberColumn, Filter.Comparison, UInt64)
        case numbers(NumberColumn, Set<UInt64>)
        case addresses(End, [CIDR])
        /// A few known words: bit n answers for word n.
        case words(Column, UInt64x4)
        case symbol(Column, SymbolAnswers)
    }

    private enum NumberColumn {
        case bytes, packets
        case column(Column)
    }

    private var steps: [Step] = []
    private var tests: [Test] = []

    init(_ filter: Filter, layout: ColumnLayout) {
        compile(filter.root, layout)
    }

    private mutating func compile(_ node: Filter.Node, _ layout: ColumnLayout) {
        switch node {
        case .not(let inner):
            compile(inner, layout)
            steps.append(.not)
        case .and(let a, let b):
            compile(a, layout)
            compile(b, layout)
            steps.append(.and)
        case .or(let a, let b):
            compile(a, layout)
            compile(b, layout)
            steps.append(.or)
        case .test(let test):
            steps.append(.test(tests.count))
            tests.append(compiled(test, layout))
        }
    }

    private func compiled(_ test: Filter.Test, _ layout: ColumnLayout) -> Test {
        func number(_ subject: Filter.Subject) -> NumberColumn {
            switch subject {
            case .bytes: .bytes
            case .packets: .packets
            case .attribute(let attribute): .column(layout.column(attribute))
            }
        }
        func textual(_ attribute: SelectedAttribute, _ matches: @escaping @Sendable (String) -> Bool) -> Test {
            let column = layout.column(attribute)
            if let words = column.words {
                return .words(column, UInt64x4(words.enumerated().filter { matches($0.element) }.map(\.offset)))
            }
            return .symbol(column, SymbolAnswers(matches))
        }
        switch test {
        case .number(let subject, let comparison, let bound): return .number(number(subject), comparison, bound)
        case .numbers(let subject, let set): return .numbers(number(subject), set)
        case .addresses(let end, let ranges): return .addresses(end, ranges)
        case .texts(let attribute, let texts): return textual(attribute) { texts.contains($0) }
        case .glob(let attribute, let glob): return textual(attribute) { glob.matches($0) }
        case .regex(let attribute, let pattern): return textual(attribute) { pattern.matches($0) }
        }
    }

    /// The rows that pass, in order. Once per batch and filter.
    func select(_ rows: [Int], _ batch: borrowing FlowBatch, _ view: borrowing Knowledge, into passed: inout [Int]) {
        passed.removeAll(keepingCapacity: true)
        for row in rows where passes(row, batch, view) { passed.append(row) }
    }

    private func passes(_ row: Int, _ batch: borrowing FlowBatch, _ view: borrowing Knowledge) -> Bool {
        var bits: UInt64 = 0
        for step in steps {
            switch step {
            case .test(let index): bits = bits << 1 | (answer(index, row, batch, view) ? 1 : 0)
            case .not: bits ^= 1
            case .and: bits = bits >> 1 & (bits | ~1)
            case .or: bits = bits >> 1 | bits & 1
            }
        }
        return bits & 1 == 1
    }

    private func answer(_ index: Int, _ row: Int, _ batch: borrowing FlowBatch, _ view: borrowing Knowledge) -> Bool {
        switch tests[index] {
        case .number(let column, let comparison, let bound):
            let value = read(column, row, batch, view)
            switch comparison {
            case .less: return value < bound
            case .lessOrEqual: return value <= bound
            case .equal: return value == bound
            case .greaterOrEqual: return value >= bound
            case .greater: return value > bound
            }
        case .numbers(let column, let set): return set.contains(read(column, row, batch, view))
        case .addresses(let end, let ranges):
            let address = view.endpoints.address(end == .source ? batch.source[row] : batch.destination[row])
            return ranges.contains { $0.contains(address) }
        case .words(let column, let mask): return mask.contains(Int(view.word(column, row, batch)))
        case .symbol(let column, let answers): return answers.answer(view.word(column, row, batch), view)
        }
    }

    private func read(_ column: NumberColumn, _ row: Int, _ batch: borrowing FlowBatch, _ view: borrowing Knowledge) -> UInt64 {
        switch column {
        case .bytes: batch.bytes[row]
        case .packets: batch.packets[row]
        case .column(let column): UInt64(view.word(column, row, batch))
        }
    }
}

/// A set of small numbers up to 255, for attributes of few known words.
struct UInt64x4: Sendable {
    private var bits: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init(_ members: [Int]) {
        for member in members {
            let bit = UInt64(1) << UInt64(member & 63)
            switch member >> 6 {
            case 0: bits.0 |= bit
            case 1: bits.1 |= bit
            case 2: bits.2 |= bit
            default: bits.3 |= bit
            }
        }
    }

    func contains(_ member: Int) -> Bool {
        let half = member & 128 == 0 ? (bits.0, bits.1) : (bits.2, bits.3)
        return (member & 64 == 0 ? half.0 : half.1) >> UInt64(member & 63) & 1 == 1
    }
}

/// What a predicate on texts answered per symbol. A class, so that asking through the compiled tests copies no array.
final class SymbolAnswers {
    private let matches: @Sendable (String) -> Bool
    /// 0 unknown, 1 no, 2 yes; beside it the epoch for which it holds.
    private var answers: [UInt8] = []
    private var epochs: [UInt32] = []

    init(_ matches: @escaping @Sendable (String) -> Bool) { self.matches = matches }

    func answer(_ symbol: UInt32, _ view: borrowing Knowledge) -> Bool {
        let index = Int(symbol)
        if index >= answers.count {
            let missing = view.symbols.limit - answers.count
            answers.append(contentsOf: repeatElement(0, count: missing))
            epochs.append(contentsOf: repeatElement(0, count: missing))
        }
        let epoch = view.symbols.epoch(symbol)
        if answers[index] == 0 || epochs[index] != epoch {
            answers[index] = matches(view.symbols.text(symbol)) ? 2 : 1
            epochs[index] = epoch
        }
        return answers[index] == 2
    }
}

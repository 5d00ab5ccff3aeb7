// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Patterns
internal import WeirKit

/// A filter as it runs over the rows of a batch: comparisons in postfix order, one step after the other over all rows, and
/// one bit per row and open level.
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
        case words(Column, ByteSet)
        case symbol(Column, SymbolAnswers)
        /// The same for a filter from outside.
        case brief(Column, BriefAnswers)
    }

    private enum NumberColumn {
        case bytes, packets
        case column(Column)
    }

    private var steps: [Step] = []
    private var tests: [Test] = []
    /// Per row, the answers of the levels that are open; the last one is the lowest bit.
    private var bits: [UInt64] = []
    private var words: [UInt32] = []
    /// Nil for the filters of the configuration, whose author may take what time and memory they take.
    private let budget: FilterBudget?

    init(_ filter: Filter, layout: ColumnLayout, budget: FilterBudget? = nil) {
        self.budget = budget
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
                return .words(column, ByteSet(words.enumerated().filter { matches($0.element) }.map(\.offset)))
            }
            return budget.map { .brief(column, BriefAnswers($0, matches)) } ?? .symbol(column, SymbolAnswers(matches))
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
    mutating func select(_ rows: [Int], _ batch: borrowing FlowBatch, _ view: borrowing Knowledge, into passed: inout [Int]) {
        bits.makeRoom(for: rows.count)
        for step in steps {
            switch step {
            case .test(let index): run(tests[index], rows, batch, view)
            case .not: Self.combine(&bits) { $0 ^ 1 }
            case .and: Self.combine(&bits) { $0 >> 1 & ($0 | ~1) }
            case .or: Self.combine(&bits) { $0 >> 1 | $0 & 1 }
            }
        }
        passed.removeAll(keepingCapacity: true)
        for index in rows.indices where bits[index] & 1 == 1 { passed.append(rows[index]) }
    }

    @inline(__always)
    private static func combine(_ bits: inout [UInt64], _ operation: (UInt64) -> UInt64) {
        var bits = bits.mutableSpan
        for index in bits.indices { bits[index] = operation(bits[index]) }
    }

    /// Opens a level with the answers of one test.
    private mutating func run(_ test: Test, _ rows: [Int], _ batch: borrowing FlowBatch, _ view: borrowing Knowledge) {
        switch test {
        case .number(.bytes, let comparison, let bound): Self.compare(rows, batch.bytes, comparison, bound, &bits)
        case .number(.packets, let comparison, let bound): Self.compare(rows, batch.packets, comparison, bound, &bits)
        case .number(.column(let column), let comparison, let bound):
            view.gather(column, rows, batch, into: &words)
            Self.push(words, &bits) { comparison.holds(UInt64($0), bound) }
        case .numbers(.column(let column), let set):
            view.gather(column, rows, batch, into: &words)
            Self.push(words, &bits) { set.contains(UInt64($0)) }
        case .numbers(.bytes, let set):
            for index in rows.indices { bits[index] = bits[index] << 1 | (set.contains(batch.bytes[rows[index]]) ? 1 : 0) }
        case .numbers(.packets, let set):
            for index in rows.indices { bits[index] = bits[index] << 1 | (set.contains(batch.packets[rows[index]]) ? 1 : 0) }
        case .addresses(let end, let ranges):
            for index in rows.indices {
                let address = view.endpoints.address(end == .source ? batch.source[rows[index]] : batch.destination[rows[index]])
                bits[index] = bits[index] << 1 | (ranges.contains { $0.contains(address) } ? 1 : 0)
            }
        case .words(let column, let mask):
            view.gather(column, rows, batch, into: &words)
            Self.push(words, &bits) { mask.contains(Int($0)) }
        case .symbol(let column, let answers):
            view.gather(column, rows, batch, into: &words)
            answers.learn(words, view)
            answers.push(words, &bits)
        case .brief(let column, let answers):
            view.gather(column, rows, batch, into: &words)
            answers.push(words, view, &bits)
        }
    }

    @inline(__always)
    private static func push(_ words: [UInt32], _ bits: inout [UInt64], _ holds: (UInt32) -> Bool) {
        let words = words.span
        var bits = bits.mutableSpan
        for index in words.indices { bits[index] = bits[index] << 1 | (holds(words[index]) ? 1 : 0) }
    }

    private static func compare(
        _ rows: [Int], _ values: [UInt64], _ comparison: Filter.Comparison, _ bound: UInt64, _ bits: inout [UInt64]
    ) {
        let (rows, values) = (rows.span, values.span)
        var bits = bits.mutableSpan
        for index in rows.indices { bits[index] = bits[index] << 1 | (comparison.holds(values[rows[index]], bound) ? 1 : 0) }
    }
}

extension Filter.Comparison {
    @inline(__always)
    fileprivate func holds(_ value: UInt64, _ bound: UInt64) -> Bool {
        switch self {
        case .less: value < bound
        case .lessOrEqual: value <= bound
        case .equal: value == bound
        case .greaterOrEqual: value >= bound
        case .greater: value > bound
        }
    }
}

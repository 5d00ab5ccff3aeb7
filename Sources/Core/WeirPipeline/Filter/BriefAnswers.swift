// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// What a predicate on texts answered of late, per symbol: for filters that come from a client, whose memory must not grow with the table
/// of symbols. A number that got a new text is looked at again, as in `SymbolAnswers`.
final class BriefAnswers {
    private static let places = 1024

    private let matches: @Sendable (String) -> Bool
    private let budget: FilterBudget
    /// By the symbol's last bits: symbol, its epoch, and 0 unknown, 1 no, 2 yes.
    private var symbols = [UInt32](repeating: 0, count: places)
    private var epochs = [UInt32](repeating: 0, count: places)
    private var answers = [UInt8](repeating: 0, count: places)

    init(_ budget: FilterBudget, _ matches: @escaping @Sendable (String) -> Bool) {
        self.budget = budget
        self.matches = matches
    }

    /// Opens a level with the answers for `words`.
    func push(_ words: [UInt32], _ view: borrowing Knowledge, _ bits: inout [UInt64]) {
        for index in words.indices { bits[index] = bits[index] << 1 | (answer(words[index], view) ? 1 : 0) }
    }

    private func answer(_ symbol: UInt32, _ view: borrowing Knowledge) -> Bool {
        let place = Int(symbol) % Self.places
        let epoch = view.symbols.epoch(symbol)
        if symbols[place] == symbol, epochs[place] == epoch, answers[place] != 0 { return answers[place] == 2 }
        guard !budget.isSpent else { return false }
        let isMatch = matches(view.symbols.text(symbol))
        budget.look()
        (symbols[place], epochs[place], answers[place]) = (symbol, epoch, isMatch ? 2 : 1)
        return isMatch
    }
}

/// How long a client's filter may keep the data thread, per batch: a hostile pattern over many names could take seconds.
final class FilterBudget {
    static let time = Duration.milliseconds(50)

    private(set) var isSpent = false
    private var deadline = ContinuousClock.now

    func begin() { deadline = .now + Self.time }

    /// Once per text that is compared.
    func look() { if ContinuousClock.now > deadline { isSpent = true } }
}

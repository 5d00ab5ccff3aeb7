// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A set of small numbers up to 255, for attributes of few known words.
struct ByteSet: Sendable {
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

    /// Asks for the symbols that have not been asked for, or that have another text by now.
    func learn(_ symbols: [UInt32], _ view: borrowing Knowledge) {
        if view.symbols.limit > answers.count {
            epochs.makeRoom(for: view.symbols.limit)
            answers.append(contentsOf: repeatElement(0, count: view.symbols.limit - answers.count))
        }
        var index = 0
        while true {
            index = Self.skipKnown(symbols, from: index, answers, epochs, view.symbols.epochs)
            guard index < symbols.count else { return }
            let symbol = symbols[index]
            answers[Int(symbol)] = matches(view.symbols.text(symbol)) ? 2 : 1
            epochs[Int(symbol)] = view.symbols.epoch(symbol)
        }
    }

    /// The place of the first symbol from `first` on whose answer is not known; their count when all are.
    private static func skipKnown(_ symbols: [UInt32], from first: Int, _ answers: [UInt8], _ epochs: [UInt32], _ current: [UInt32]) -> Int {
        let (symbols, answers, epochs, current) = (symbols.span, answers.span, epochs.span, current.span)
        for index in first..<symbols.count {
            let symbol = Int(symbols[index])
            if answers[symbol] == 0 || epochs[symbol] != current[symbol] { return index }
        }
        return symbols.count
    }

    /// Opens a level with the answers for `symbols`, which are known.
    func push(_ symbols: [UInt32], _ bits: inout [UInt64]) { Self.push(symbols, answers, &bits) }

    private static func push(_ symbols: [UInt32], _ answers: [UInt8], _ bits: inout [UInt64]) {
        let (symbols, answers) = (symbols.span, answers.span)
        var bits = bits.mutableSpan
        for index in symbols.indices { bits[index] = bits[index] << 1 | UInt64(answers[Int(symbols[index])] >> 1) }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Texts as numbers, so that the hot path compares and stores `UInt32`s.
///
/// Every holder (an endpoint, a series) counts; when the last lets go the number is used again. So the table is as
/// large as what is alive, however many distinct texts pass through. Symbol 0 is "absent": the empty text.
package struct SymbolTable: ~Copyable {
    private var texts: [String] = [""]
    private var holders: [UInt32] = [1]
    /// Raised whenever a number gets a new text: what a cache beside the table checks before it trusts its entry.
    private(set) var epochs: [UInt32] = [0]
    private var free: [UInt32] = []
    private var numbers: [String: UInt32] = ["": 0]

    package init() {}

    /// How many symbols are alive, absent included.
    package var count: Int { texts.count - free.count }
    /// One past the largest number ever used.
    package var limit: Int { texts.count }

    /// The symbol for `text`, held once more: pair with `release`.
    package mutating func intern(_ text: String) -> UInt32 {
        if let known = numbers[text] {
            retain(known)
            return known
        }
        let symbol: UInt32
        if let reused = free.popLast() {
            symbol = reused
            texts[Int(symbol)] = text
            holders[Int(symbol)] = 1
            epochs[Int(symbol)] &+= 1
        } else {
            symbol = UInt32(texts.count)
            texts.append(text)
            holders.append(1)
            epochs.append(0)
        }
        numbers[text] = symbol
        return symbol
    }

    package mutating func retain(_ symbol: UInt32) {
        if symbol != 0 { holders[Int(symbol)] += 1 }
    }

    package mutating func release(_ symbol: UInt32) {
        guard symbol != 0 else { return }
        let index = Int(symbol)
        precondition(holders[index] > 0, "a symbol was released more often than held")
        holders[index] -= 1
        guard holders[index] == 0 else { return }
        numbers[texts[index]] = nil
        texts[index] = ""
        free.append(symbol)
    }

    /// All texts by symbol, shared until the table changes.
    var snapshot: [String] { texts }
    /// The symbol that `text` has now, not held for the caller.
    func known(_ text: String) -> UInt32? { numbers[text] }

    package func text(_ symbol: UInt32) -> String { texts[Int(symbol)] }
    package func epoch(_ symbol: UInt32) -> UInt32 { epochs[Int(symbol)] }
}

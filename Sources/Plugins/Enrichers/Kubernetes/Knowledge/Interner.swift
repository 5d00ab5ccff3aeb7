// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Values that many records share, each kept once: a record holds a number. Counted, so that what nobody holds is gone.
package struct Interner<Value: Hashable & Sendable>: Sendable {
    private var numbers: [Value: UInt32] = [:]
    private var entries: [(value: Value, holders: UInt32)] = []
    private var free: [UInt32] = []

    /// The number of `none` is 0, and holding it costs nothing.
    package init(none: Value) { entries = [(none, 1)] }

    /// How many different values are held.
    package var count: Int { numbers.count }

    package subscript(number: UInt32) -> Value { entries[Int(number)].value }

    /// The number of a value that somebody holds.
    package func number(of value: Value) -> UInt32? { value == entries[0].value ? 0 : numbers[value] }

    package mutating func hold(_ value: Value) -> UInt32 {
        if value == entries[0].value { return 0 }
        if let number = numbers[value] {
            entries[Int(number)].holders += 1
            return number
        }
        let number: UInt32
        if let vacant = free.popLast() {
            number = vacant
            entries[Int(number)] = (value, 1)
        } else {
            number = UInt32(entries.count)
            entries.append((value, 1))
        }
        numbers[value] = number
        return number
    }

    /// One holder more of a number that is held.
    package mutating func retain(_ number: UInt32) {
        if number != 0 { entries[Int(number)].holders += 1 }
    }

    package mutating func release(_ number: UInt32) {
        guard number != 0 else { return }
        entries[Int(number)].holders -= 1
        guard entries[Int(number)].holders == 0 else { return }
        numbers[entries[Int(number)].value] = nil
        entries[Int(number)].value = entries[0].value
        free.append(number)
    }
}

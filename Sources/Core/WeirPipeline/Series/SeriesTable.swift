// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// One metric's series: selected attributes of a row → a 64-bit counter. Open addressing over words, no strings but
/// for a series' own texts, made when it is born.
struct SeriesTable: Sendable {
    let definition: MetricDefinition
    let columns: [Column]
    private let limits: SeriesLimits
    private let width: Int

    // One entry per slot; `words` and `texts` have `width` per slot. A slot that is free has no live bit.
    private var words: [UInt32] = []
    private(set) var texts: [String] = []
    private(set) var counters: [UInt64] = []
    private(set) var born: [UInt64] = []
    private var used: [UInt64] = []
    private(set) var live: [Bool] = []
    private var free: [Int] = []
    /// 0 for empty, else 1 + the slot.
    private var buckets = [UInt32](repeating: 0, count: 64)
    private let seed = UInt64.random(in: .min ... .max)
    /// How many live series have a word, per column: what `max_values` bounds.
    private var values: [[UInt32: UInt32]]
    private var candidate: [UInt32]
    /// The series for the combinations beyond `max_series`.
    private(set) var overflowSlot: Int?

    /// What left the table with expired series, so that the book still balances.
    private(set) var expired: UInt64 = 0
    private(set) var overflowRows: UInt64 = 0
    private(set) var otherValues: UInt64 = 0

    /// The word for "(other)" in columns that hold no symbols; ports and interface indexes stay below.
    private static let otherNumber = UInt32.max
    private let otherSymbol: UInt32

    init(_ definition: MetricDefinition, columns: [Column], limits: SeriesLimits, otherSymbol: UInt32) {
        self.definition = definition
        self.columns = columns
        self.limits = limits
        self.otherSymbol = otherSymbol
        width = columns.count
        values = columns.map { _ in [:] }
        candidate = [UInt32](repeating: 0, count: columns.count)
    }

    /// Series alive, the overflow series included.
    var count: Int { counters.count - free.count }

    private func hash() -> Int {
        var hash = seed
        for word in candidate {
            let product = (hash ^ UInt64(word)).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            hash = product.high ^ product.low
        }
        return Int(truncatingIfNeeded: hash)
    }

    private func find() -> Int? {
        let mask = buckets.count - 1
        var bucket = hash() & mask
        while buckets[bucket] != 0 {
            let slot = Int(buckets[bucket] - 1)
            if matches(slot) { return slot }
            bucket = (bucket + 1) & mask
        }
        return nil
    }

    private func matches(_ slot: Int) -> Bool {
        for column in 0..<width where words[slot * width + column] != candidate[column] { return false }
        return true
    }

    /// Adds one row. Allocates only when a series is born.
    mutating func add(_ amount: UInt64, _ row: Int, _ batch: borrowing FlowBatch, now: UInt64, _ knowledge: inout Knowledge) {
        for column in 0..<width { candidate[column] = knowledge.word(columns[column], row, batch) }
        let slot = find() ?? foldAndFind() ?? bear(now, &knowledge)
        counters[slot] &+= amount
        used[slot] = now
    }

    /// Replaces words beyond `max_values` by "(other)", and looks again if that changed something.
    private mutating func foldAndFind() -> Int? {
        var folded = false
        for column in 0..<width where columns[column].words == nil {
            if values[column].count >= limits.maxValues, values[column][candidate[column]] == nil {
                candidate[column] = columns[column].holdsSymbols ? otherSymbol : Self.otherNumber
                folded = true
            }
        }
        guard folded else { return nil }
        otherValues += 1
        return find()
    }

    private mutating func bear(_ now: UInt64, _ knowledge: inout Knowledge) -> Int {
        if count >= limits.maxSeries {
            overflowRows += 1
            if let overflowSlot { return overflowSlot }
            let slot = take(now)
            overflowSlot = slot
            for column in 0..<width { texts[slot * width + column] = "" }
            return slot
        }
        let slot = take(now)
        for column in 0..<width {
            let word = candidate[column]
            words[slot * width + column] = word
            let isOther = word == Self.otherNumber && !columns[column].holdsSymbols
            texts[slot * width + column] = isOther ? SeriesLimits.other : knowledge.text(columns[column], word)
            if columns[column].holdsSymbols { knowledge.symbols.retain(word) }
            if columns[column].words == nil { values[column][word, default: 0] += 1 }
        }
        place(slot)
        return slot
    }

    private mutating func take(_ now: UInt64) -> Int {
        if let slot = free.popLast() {
            counters[slot] = 0
            born[slot] = now
            used[slot] = now
            live[slot] = true
            return slot
        }
        counters.append(0)
        born.append(now)
        used.append(now)
        live.append(true)
        words.append(contentsOf: repeatElement(0, count: width))
        texts.append(contentsOf: repeatElement("", count: width))
        return counters.count - 1
    }

    private mutating func place(_ slot: Int) {
        if counters.count * 4 > buckets.count * 3 {
            buckets = [UInt32](repeating: 0, count: buckets.count * 2)
            let saved = candidate
            for other in counters.indices where live[other] && other != overflowSlot && other != slot { link(other) }
            candidate = saved
        }
        link(slot)
    }

    private mutating func link(_ slot: Int) {
        load(slot)
        let mask = buckets.count - 1
        var bucket = hash() & mask
        while buckets[bucket] != 0 { bucket = (bucket + 1) & mask }
        buckets[bucket] = UInt32(slot + 1)
    }

    private mutating func load(_ slot: Int) {
        for column in 0..<width { candidate[column] = words[slot * width + column] }
    }

    /// Takes a series over from a table before: its texts become words again, its counter and age go on.
    mutating func restore(_ old: borrowing SeriesTable, _ slot: Int, _ knowledge: inout Knowledge) {
        guard old.live[slot], old.overflowSlot != slot, count < limits.maxSeries else {
            if old.live[slot] { expired += old.counters[slot] }
            return
        }
        var held: [UInt32] = []
        for column in 0..<width {
            let text = old.texts[slot * width + column]
            if columns[column].holdsSymbols {
                candidate[column] = knowledge.symbols.intern(text)
                held.append(candidate[column])
            } else {
                candidate[column] = columns[column].words?.firstIndex(of: text).map(UInt32.init) ?? UInt32(text) ?? old.words[slot * width + column]
            }
        }
        let place = find() ?? bear(old.born[slot], &knowledge)
        counters[place] += old.counters[slot]
        used[place] = max(used[place], old.used[slot])
        for symbol in held { knowledge.symbols.release(symbol) }
    }

    /// Lets go of the series that counted nothing since `deadline`.
    mutating func expire(before deadline: UInt64, _ knowledge: inout Knowledge) {
        for slot in counters.indices where live[slot] && used[slot] < deadline {
            if slot == overflowSlot {
                overflowSlot = nil
            } else {
                unlink(slot)
                for column in 0..<width {
                    let word = words[slot * width + column]
                    if columns[column].holdsSymbols { knowledge.symbols.release(word) }
                    if let holders = values[column][word] { values[column][word] = holders == 1 ? nil : holders - 1 }
                    texts[slot * width + column] = ""
                }
            }
            expired += counters[slot]
            live[slot] = false
            free.append(slot)
        }
    }

    /// Deletion by shifting back; see `EndpointIndex.remove`.
    private mutating func unlink(_ slot: Int) {
        let mask = buckets.count - 1
        load(slot)
        var hole = hash() & mask
        while buckets[hole] != UInt32(slot + 1) { hole = (hole + 1) & mask }
        var next = (hole + 1) & mask
        while buckets[next] != 0 {
            load(Int(buckets[next] - 1))
            if (next - hash()) & mask >= (next - hole) & mask {
                buckets[hole] = buckets[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        buckets[hole] = 0
    }
}

/// What bounds a metric's series.
struct SeriesLimits: Sendable {
    let maxSeries: Int
    let maxValues: Int
    static let other = "(other)"
}

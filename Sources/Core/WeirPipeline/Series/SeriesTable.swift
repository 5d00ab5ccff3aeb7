// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// One metric's series: selected attributes of a row → a 64-bit counter. Open addressing over words, no strings but
/// for a series' own texts, made when it is born.
struct SeriesTable: Sendable {
    let definition: MetricDefinition
    let columns: [Column]
    /// The place of the metric's keys among those of the pipeline.
    var keysIndex = 0
    private let limits: SeriesLimits
    private let width: Int
    /// `UInt64`s that hold a series' words.
    private let stride: Int

    // One entry per slot; `words` has `stride` per slot and `texts` `width`. A slot that is free has no live bit.
    private var words: [UInt64] = []
    private(set) var texts: [String] = []
    private(set) var counters: [SeriesCounter] = []
    /// The window in which each series was made: its beginning by the wall, to show; its end by the monotonic clock, to tell the age.
    private(set) var created: [UInt64] = []
    private(set) var born: [UInt64] = []
    private(set) var live: [Bool] = []
    /// Which series each is, and what it had counted when this table was made; see `MetricSnapshot`.
    private(set) var numbers: [UInt64] = []
    private(set) var carried: [UInt64] = []
    private var nextNumber: UInt64 = 0
    private var free: [Int] = []
    /// 0 for empty, else 1 + the slot.
    private var buckets = [UInt32](repeating: 0, count: 64)
    /// That of its `SeriesKeys`: rows are looked up by the hashes that these made.
    private let seed: UInt64
    /// How many live series have a word, per column: what `max_values` bounds.
    private var values: [[UInt32: UInt32]]
    private var candidate: [UInt64]
    /// The series for the combinations beyond `max_series`.
    private(set) var overflowSlot: Int?

    /// What left the table with expired series, so that the book still balances.
    private(set) var expired: UInt64 = 0
    /// What the metric's own filter left out.
    private(set) var filtered: UInt64 = 0
    /// Everything that was ever added.
    private var total: UInt64 = 0
    private(set) var overflowRows: UInt64 = 0
    private(set) var otherValues: UInt64 = 0

    /// The word for "(other)" in columns that hold no symbols; ports stay below.
    private static let otherNumber = UInt32.max
    private let otherSymbol: UInt32

    init(_ definition: MetricDefinition, columns: [Column], limits: SeriesLimits, otherSymbol: UInt32, seed: UInt64) {
        self.definition = definition
        self.columns = columns
        self.limits = limits
        self.otherSymbol = otherSymbol
        self.seed = seed
        width = columns.count
        stride = SeriesKeys.stride(columns.count)
        values = columns.map { _ in [:] }
        candidate = [UInt64](repeating: 0, count: stride)
    }

    /// Series alive, the overflow series included.
    var count: Int { counters.count - free.count }

    private func hash() -> Int { Int(truncatingIfNeeded: SeriesKeys.hash(candidate.span, 0, stride, seed)) }

    private func find() -> Int? {
        let slot = Self.find(candidate.span, 0, hash(), stride, words.span, buckets.span)
        return slot < 0 ? nil : slot
    }

    /// The slot of the key that begins at `first`, or -1.
    @inline(__always)
    private static func find(
        _ keys: Span<UInt64>, _ first: Int, _ hash: Int, _ stride: Int, _ words: Span<UInt64>, _ buckets: Span<UInt32>
    ) -> Int {
        let mask = buckets.count &- 1
        var bucket = hash & mask
        while true {
            let slot = Int(buckets[bucket]) &- 1
            if slot < 0 { return -1 }
            var word = 0
            while word < stride, words[slot &* stride &+ word] == keys[first &+ word] { word &+= 1 }
            if word == stride { return slot }
            bucket = (bucket &+ 1) & mask
        }
    }

    private func word(_ column: Int) -> UInt32 { Self.word(candidate[column / 2], column) }
    private static func word(_ pair: UInt64, _ column: Int) -> UInt32 { UInt32(truncatingIfNeeded: column % 2 == 0 ? pair : pair >> 32) }

    private mutating func setWord(_ column: Int, _ word: UInt32) {
        let pair = candidate[column / 2]
        candidate[column / 2] = column % 2 == 0 ? pair & ~0xffff_ffff | UInt64(word) : pair & 0xffff_ffff | UInt64(word) << 32
    }

    /// Adds the rows, which are those of `all` that the metric's filter let pass. Allocates only when a series is born.
    mutating func add(
        _ rows: [Int], of all: [Int], _ batch: borrowing FlowBatch, _ keys: borrowing SeriesKeys, now: Moment, _ knowledge: inout Knowledge
    ) {
        let before = total
        var index = 0
        while true {
            index = Self.addKnown(
                rows, from: index, definition.measure == .bytes ? batch.bytes : batch.packets, keys, words, buckets, now.monotonic, &counters, &total)
            guard index < rows.count else { break }
            // A series that is not there (yet): births and what is over the limits are left out of the loop above.
            let row = rows[index]
            for word in 0..<stride { candidate[word] = keys.words[row * stride + word] }
            let slot = foldAndFind() ?? bear(now, &knowledge)
            let amount = amount(row, batch)
            counters[slot].value &+= amount
            counters[slot].used = now.monotonic
            total &+= amount
            index += 1
        }
        guard rows.count < all.count else { return }
        let offered = all.reduce(into: UInt64(0)) { $0 &+= amount($1, batch) }
        filtered &+= offered &- (total &- before)
    }

    /// Goes on from `first` to the first row whose series is not among the buckets; returns its place, or the rows' count.
    /// Static, so that the arrays' storage is found once per call and not once per row.
    private static func addKnown(
        _ rows: [Int], from first: Int, _ amounts: [UInt64], _ keys: borrowing SeriesKeys, _ words: [UInt64], _ buckets: [UInt32], _ now: UInt64,
        _ counters: inout [SeriesCounter], _ total: inout UInt64
    ) -> Int {
        let (rows, amounts, words, buckets) = (rows.span, amounts.span, words.span, buckets.span)
        let (wanted, hashes, stride) = (keys.words.span, keys.hashes.span, keys.stride)
        var cells = counters.mutableSpan
        var sum = total
        defer { total = sum }
        for index in first..<rows.count {
            let row = rows[index]
            let slot = find(wanted, row &* stride, Int(truncatingIfNeeded: hashes[row]), stride, words, buckets)
            if slot < 0 { return index }
            cells[slot].value &+= amounts[row]
            cells[slot].used = now
            sum &+= amounts[row]
        }
        return rows.count
    }

    private func amount(_ row: Int, _ batch: borrowing FlowBatch) -> UInt64 {
        definition.measure == .bytes ? batch.bytes[row] : batch.packets[row]
    }

    /// Replaces words beyond `max_values` by "(other)", and looks again if that changed something.
    private mutating func foldAndFind() -> Int? {
        var folded = false
        for column in 0..<width where columns[column].words == nil {
            if values[column].count >= limits.maxValues, values[column][word(column)] == nil {
                setWord(column, columns[column].holdsSymbols ? otherSymbol : Self.otherNumber)
                folded = true
            }
        }
        guard folded else { return nil }
        otherValues += 1
        return find()
    }

    private mutating func bear(_ now: Moment, _ knowledge: inout Knowledge) -> Int {
        if count - (overflowSlot == nil ? 0 : 1) >= limits.maxSeries {
            overflowRows += 1
            return overflow(now)
        }
        let slot = take(now)
        for index in 0..<stride { words[slot * stride + index] = candidate[index] }
        for column in 0..<width {
            let word = word(column)
            let isOther = word == Self.otherNumber && !columns[column].holdsSymbols
            texts[slot * width + column] = isOther ? SeriesLimits.other : knowledge.text(columns[column], word)
            if columns[column].holdsSymbols { knowledge.symbols.retain(word) }
            if columns[column].words == nil { values[column][word, default: 0] += 1 }
        }
        place(slot)
        return slot
    }

    /// The series for what has no room, made when it is first needed. It is not among the buckets: nothing looks for it.
    private mutating func overflow(_ now: Moment) -> Int {
        if let overflowSlot { return overflowSlot }
        let slot = take(now)
        overflowSlot = slot
        return slot
    }

    private mutating func take(_ now: Moment) -> Int {
        defer { nextNumber += 1 }
        if let slot = free.popLast() {
            numbers[slot] = nextNumber
            carried[slot] = 0
            counters[slot] = SeriesCounter(used: now.monotonic)
            created[slot] = now.wall
            born[slot] = now.monotonic
            live[slot] = true
            return slot
        }
        counters.append(SeriesCounter(used: now.monotonic))
        created.append(now.wall)
        born.append(now.monotonic)
        live.append(true)
        numbers.append(nextNumber)
        carried.append(0)
        words.append(contentsOf: repeatElement(0, count: stride))
        texts.append(contentsOf: repeatElement("", count: width))
        return counters.count - 1
    }

    private mutating func place(_ slot: Int) {
        if counters.count * 4 > buckets.count * 3 {
            buckets = [UInt32](repeating: 0, count: buckets.count * 2)
            for other in counters.indices where live[other] && other != overflowSlot && other != slot { link(other) }
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
        for index in 0..<stride { candidate[index] = words[slot * stride + index] }
    }

    /// Takes everything over from a table before: texts become words again, counters and ages go on.
    mutating func restore(_ old: borrowing SeriesTable, _ knowledge: inout Knowledge) {
        expired &+= old.expired
        filtered &+= old.filtered
        nextNumber = old.nextNumber
        overflowRows += old.overflowRows
        otherValues += old.otherValues
        for slot in old.counters.indices where old.live[slot] { restore(old, slot, &knowledge) }
    }

    private mutating func restore(_ old: borrowing SeriesTable, _ slot: Int, _ knowledge: inout Knowledge) {
        let birth = Moment(wall: old.created[slot], monotonic: old.born[slot])
        let place: Int
        var held: [UInt32] = []
        if slot == old.overflowSlot {
            place = overflow(birth)
        } else {
            for column in 0..<width {
                let text = old.texts[slot * width + column]
                if columns[column].holdsSymbols {
                    held.append(knowledge.symbols.intern(text))
                    setWord(column, held[held.count - 1])
                } else {
                    setWord(column, columns[column].words?.firstIndex(of: text).map(UInt32.init) ?? UInt32(text) ?? Self.otherNumber)
                }
            }
            place = find() ?? bear(birth, &knowledge)
        }
        if counters[place].value == 0 { numbers[place] = old.numbers[slot] }
        counters[place].value &+= old.counters[slot].value
        carried[place] &+= old.counters[slot].value
        counters[place].used = max(counters[place].used, old.counters[slot].used)
        total &+= old.counters[slot].value
        for symbol in held { knowledge.symbols.release(symbol) }
    }

    /// Counts as gone what a metric of the same name had counted by other attributes.
    mutating func bury(_ old: borrowing SeriesTable) {
        expired &+= old.expired
        filtered &+= old.filtered
        nextNumber = old.nextNumber
        for slot in old.counters.indices where old.live[slot] { expired &+= old.counters[slot].value }
    }

    /// Lets go of the series that counted nothing since `deadline`.
    mutating func expire(before deadline: UInt64, _ knowledge: inout Knowledge) {
        for slot in counters.indices where live[slot] && counters[slot].used < deadline {
            if slot == overflowSlot {
                overflowSlot = nil
            } else {
                unlink(slot)
                for column in 0..<width {
                    let word = Self.word(words[slot * stride + column / 2], column)
                    if columns[column].holdsSymbols { knowledge.symbols.release(word) }
                    if let holders = values[column][word] { values[column][word] = holders == 1 ? nil : holders - 1 }
                    texts[slot * width + column] = ""
                }
            }
            expired &+= counters[slot].value
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

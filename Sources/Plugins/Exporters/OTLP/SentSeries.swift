// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// One metric: what was read last, and what of it was sent.
struct SentSeries: Sendable {
    struct Entry: Sendable {
        /// What was sent: delta, with the points that are made; cumulative, with those that were taken.
        var sent: UInt64
        /// The start of the next point.
        var since: UInt64
        /// The reading for which a point was made last.
        var round: UInt64 = 0
    }

    private(set) var reading: Reading
    /// By the series' places in the reading.
    var entries: [Entry] = []
    /// The place of each series by its number.
    private(set) var places: [UInt64: Int] = [:]
    /// In the order in which they went.
    var gone: [GoneSeries] = []
    /// The next reading is the first after a reload.
    var isReloaded = false
    private var time: UInt64 = 0
    private let temporality: Temporality

    init(_ reading: Reading, temporality: Temporality) {
        self.reading = reading.withoutSeries
        self.temporality = temporality
    }

    var name: String { reading.snapshot.name }

    /// Whether `next` is a later reading of this metric: series go on, and their texts keep their columns.
    func isContinued(by next: Reading) -> Bool {
        let (old, new) = (reading.snapshot, next.snapshot)
        return old.name == new.name && old.unit == new.unit && reading.kind == next.kind && new.attributes.starts(with: old.attributes)
    }

    /// Takes over a new reading. Series that went keep what they have unsent. Returns what series counted that came and went
    /// between two readings, which nobody saw.
    mutating func take(_ next: Reading, at now: UInt64) -> UInt64 {
        let before = self
        let snapshot = next.snapshot
        reading = next
        isReloaded = false
        time = now
        entries = []
        entries.reserveCapacity(snapshot.values.count)
        places = Dictionary(minimumCapacity: snapshot.values.count)
        var isHere = [Bool](repeating: false, count: before.entries.count)
        for (index, number) in snapshot.numbers.enumerated() {
            var entry: Entry
            if let place = before.places[number] {
                isHere[place] = true
                entry = before.entries[place]
                // A reload may fold series into one: what others had sent is not due here, what was not sent is.
                if before.isReloaded, snapshot.carried[index] > 0 {
                    entry.sent = snapshot.carried[index] &- (before.reading.snapshot.values[place] &- entry.sent)
                }
                // Only counters of the agent itself begin anew.
                if snapshot.values[index] < entry.sent { entry = Entry(sent: 0, since: before.time) }
                // What began before the clock was set back far begins now, and stays there.
                entry.since = min(entry.since, now)
            } else {
                entry = Entry(sent: temporality == .delta ? snapshot.carried[index] : 0, since: min(snapshot.created[index], now))
                // What came before this exporter is sent already; the difference begins with the exporter.
                if temporality == .delta, entry.sent > 0 { entry.since = now }
            }
            entries.append(entry)
            places[number] = index
        }
        guard next.kind == .sum else { return 0 }
        var seenOfGone: UInt64 = 0
        for place in isHere.indices where !isHere[place] {
            seenOfGone &+= before.reading.snapshot.values[place]
            if let series = before.gone(place) { gone.append(series) }
        }
        // What a reload folded into another series is not gone.
        if before.isReloaded { seenOfGone = before.reading.snapshot.values.reduce(0, &+) &- snapshot.carried.reduce(0, &+) }
        let left = snapshot.expired &- before.reading.snapshot.expired
        return left > seenOfGone ? left - seenOfGone : 0
    }

    /// The metric is read no more: what its series have unsent waits as of series that went.
    mutating func end() {
        for place in entries.indices where reading.kind == .sum {
            if let series = self.gone(place) { gone.append(series) }
        }
        reading = reading.withoutSeries
        entries = []
        places = [:]
    }

    /// The series at this place as one that is gone; nil when all of it was sent.
    private func gone(_ place: Int) -> GoneSeries? {
        let snapshot = reading.snapshot
        guard snapshot.values[place] > entries[place].sent else { return nil }
        let width = snapshot.attributes.count
        return GoneSeries(
            number: snapshot.numbers[place], texts: Array(snapshot.texts[place * width..<(place + 1) * width]),
            isOverflow: place == snapshot.overflow,
            value: snapshot.values[place], sent: entries[place].sent, since: entries[place].since, time: time)
    }

    /// Whether a point is to be made of this series in this round.
    func isDue(_ place: Int, round: UInt64) -> Bool {
        guard entries[place].round != round else { return false }
        return temporality == .cumulative || reading.kind == .gauge || reading.snapshot.values[place] > entries[place].sent
    }

    /// What of it was not sent, over all series; for gauges nothing.
    var unsent: UInt64 {
        guard reading.kind == .sum else { return 0 }
        let alive = entries.indices.reduce(UInt64(0)) { $0 &+ (reading.snapshot.values[$1] &- min(entries[$1].sent, reading.snapshot.values[$1])) }
        return gone.reduce(alive) { $0 &+ $1.unsent }
    }
}

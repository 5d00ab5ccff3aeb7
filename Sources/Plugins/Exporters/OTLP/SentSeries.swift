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
    private var time: UInt64 = 0
    private let temporality: Temporality

    init(_ reading: Reading, temporality: Temporality) {
        var empty = reading
        empty.snapshot = MetricSnapshot(
            name: reading.snapshot.name, help: "", unit: "", attributes: [], values: [], created: [], expired: reading.snapshot.expired, texts: [],
            overflow: nil)
        self.reading = empty
        self.temporality = temporality
    }

    var name: String { reading.snapshot.name }

    /// Takes over a new reading. Series that went keep what they have unsent. Returns what series counted that came and went
    /// between two readings, which nobody saw.
    mutating func take(_ next: Reading, at now: UInt64) -> UInt64 {
        let before = self
        let snapshot = next.snapshot
        reading = next
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
        let left = snapshot.expired &- before.reading.snapshot.expired
        return left > seenOfGone ? left - seenOfGone : 0
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

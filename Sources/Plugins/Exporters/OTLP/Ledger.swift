// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// What was read, what was sent, and what is next. No clock and no network: a plain book.
///
/// There is no queue of old values. As long as the receiver takes nothing, what is not sent adds up where it is counted: in the
/// series. So an outage of any length costs no memory but for series that expire meanwhile, and loses nothing but how the amount
/// was spread over that time.
package struct Ledger: Sendable {
    private let temporality: Temporality
    private var limits: BatchLimits
    private var maxGone: Int
    /// In the order in which they were first read; none is ever taken away, since batches name them by their places.
    private var metrics: [SentSeries] = []
    /// Those that are read.
    private var byName: [String: Int] = [:]
    /// Counts readings, from 1.
    private var round: UInt64 = 0
    private var time: UInt64 = 0
    private var goneCount = 0
    /// Where the next batch begins, so that in a bad time no series is always the last.
    private var cursor = (metric: 0, place: 0)
    /// Metrics with gone series that go first.
    private var isScanned = true

    /// Amounts that nobody will ever get, by metric.
    package struct Loss: Equatable, Sendable {
        package enum Reason: String, Sendable, CaseIterable {
            /// Series came and went between two readings.
            case unseen
            /// More gone series than `max_gone_series` waited for the receiver.
            case gone = "too_many_gone"
            /// The receiver refused the request that had them.
            case refused
            /// The agent left, or another configuration came, before the receiver took them.
            case stop
        }
        package let metric: String
        package let reason: Reason
        package let amount: UInt64
    }

    package init(temporality: Temporality, limits: BatchLimits, maxGone: Int) {
        self.temporality = temporality
        self.limits = limits
        self.maxGone = maxGone
    }

    /// Takes over what was read at `now`, in nanoseconds since 1970: from here on every series is due.
    package mutating func take(_ readings: [Reading], at now: UInt64) -> [Loss] {
        var losses: [Loss] = []
        // A clock that was set back may not make two points of one time; nor may it leave every point in the future.
        time = WallTime.next(after: time, now: now)
        round += 1
        isScanned = false
        var ended = byName
        for reading in readings {
            let name = reading.snapshot.name
            var index = byName[name] ?? metrics.count
            // After a reload another metric may have the name; the one before ends.
            if index < metrics.count, !metrics[index].isContinued(by: reading) { index = metrics.count } else { ended[name] = nil }
            if index == metrics.count {
                metrics.append(SentSeries(reading, temporality: temporality))
                byName[name] = index
            }
            let goneBefore = metrics[index].gone.count
            let unseen = metrics[index].take(reading, at: time)
            if unseen > 0 { losses.append(Loss(metric: name, reason: .unseen, amount: unseen)) }
            limitGone(index, before: goneBefore, &losses)
        }
        for (name, index) in ended.sorted(by: { $0.value < $1.value }) {
            if byName[name] == index { byName[name] = nil }
            let goneBefore = metrics[index].gone.count
            metrics[index].end()
            limitGone(index, before: goneBefore, &losses)
        }
        return losses
    }

    private mutating func limitGone(_ index: Int, before: Int, _ losses: inout [Loss]) {
        goneCount += metrics[index].gone.count - before
        // The newest go: those that wait longest are nearest to being sent.
        var dropped: UInt64 = 0
        while goneCount > maxGone, let series = metrics[index].gone.popLast() {
            goneCount -= 1
            dropped &+= series.unsent
        }
        if dropped > 0 { losses.append(Loss(metric: metrics[index].name, reason: .gone, amount: dropped)) }
    }

    /// Goes on after a reload, within the limits of another configuration.
    package mutating func goOn(_ limits: BatchLimits, maxGone: Int) {
        self.limits = limits
        self.maxGone = maxGone
        for index in metrics.indices { metrics[index].isReloaded = true }
    }

    /// How many series are gone and not sent.
    package var waitingGone: Int { goneCount }

    /// The next batch; nil when nothing is due.
    package mutating func next(_ resource: ResourceBytes) -> Batch? {
        if goneCount > 0 { return nextOfGone(resource) }
        guard !isScanned else { return nil }
        var builder = BatchBuilder(resource, limits)
        let start = cursor.metric < metrics.count ? cursor : (0, 0)
        // From the cursor to the end, then from the beginning to the cursor, in two batches: a metric stands once in each.
        if scan(from: start, &builder) { return builder.finish(temporality) }
        if start != (0, 0), scan(from: (0, 0), &builder) { return builder.finish(temporality) }
        isScanned = true
        return nil
    }

    /// Adds what is due, beginning at `start`; true when that is anything.
    private mutating func scan(from start: (metric: Int, place: Int), _ builder: inout BatchBuilder) -> Bool {
        for index in start.metric..<max(start.metric, metrics.count) {
            var isOpen = false
            for place in (index == start.metric ? min(start.place, metrics[index].entries.count) : 0)..<metrics[index].entries.count {
                guard metrics[index].isDue(place, round: round) else { continue }
                if !isOpen { builder.open(metrics[index].reading, metric: index, temporality) }
                isOpen = true
                guard builder.add(point(index, place)) else {
                    cursor = (index, place)
                    return true
                }
                metrics[index].entries[place].round = round
                if temporality == .delta, metrics[index].reading.kind == .sum {
                    metrics[index].entries[place].sent = metrics[index].reading.snapshot.values[place]
                    metrics[index].entries[place].since = time
                }
            }
            if isOpen { builder.close(temporality) }
        }
        cursor = (0, 0)
        return builder.count > 0
    }

    private func point(_ index: Int, _ place: Int) -> BatchBuilder.Point {
        let metric = metrics[index]
        let snapshot = metric.reading.snapshot
        let entry = metric.entries[place]
        let isDelta = temporality == .delta && metric.reading.kind == .sum
        let width = snapshot.attributes.count
        return BatchBuilder.Point(
            number: snapshot.numbers[place], texts: snapshot.texts[place * width..<(place + 1) * width], isOverflow: place == snapshot.overflow,
            value: isDelta ? snapshot.values[place] - entry.sent : snapshot.values[place], total: snapshot.values[place],
            since: min(entry.since, time), time: time, atRisk: isDelta ? snapshot.values[place] - entry.sent : 0, isGone: false)
    }

    private mutating func nextOfGone(_ resource: ResourceBytes) -> Batch {
        var builder = BatchBuilder(resource, limits)
        for index in metrics.indices where !metrics[index].gone.isEmpty {
            builder.open(metrics[index].reading, metric: index, temporality)
            var taken = 0
            for series in metrics[index].gone {
                let point = BatchBuilder.Point(
                    number: series.number, texts: series.texts[...], isOverflow: series.isOverflow,
                    value: temporality == .delta ? series.unsent : series.value, total: series.value, since: min(series.since, series.time),
                    time: series.time, atRisk: series.unsent, isGone: true)
                guard builder.add(point) else { break }
                taken += 1
            }
            let isWhole = taken == metrics[index].gone.count
            metrics[index].gone.removeFirst(taken)
            goneCount -= taken
            guard isWhole else { break }
            builder.close(temporality)
        }
        return builder.finish(temporality)
    }

    /// The receiver took the batch.
    package mutating func settle(_ batch: Batch) {
        guard temporality == .cumulative else { return }
        for part in batch.parts {
            var wentMeanwhile: [UInt64: UInt64] = [:]
            for (number, value) in part.totals {
                if let place = metrics[part.metric].places[number] {
                    metrics[part.metric].entries[place].sent = max(metrics[part.metric].entries[place].sent, value)
                } else {
                    wentMeanwhile[number] = value
                }
            }
            guard !wentMeanwhile.isEmpty else { continue }
            let before = metrics[part.metric].gone.count
            metrics[part.metric].gone.removeAll { wentMeanwhile[$0.number] == $0.value }
            goneCount -= before - metrics[part.metric].gone.count
            for index in metrics[part.metric].gone.indices {
                if let value = wentMeanwhile[metrics[part.metric].gone[index].number] { metrics[part.metric].gone[index].sent = value }
            }
        }
    }

    /// The batch will not be sent again; returns what is lost by that. Cumulative series that live send a newer value instead.
    package mutating func drop(_ batch: Batch, _ reason: Loss.Reason) -> [Loss] {
        batch.parts.compactMap { part in part.atRisk == 0 ? nil : Loss(metric: metrics[part.metric].name, reason: reason, amount: part.atRisk) }
    }

    /// Everything that was not sent is lost.
    package mutating func abandon() -> [Loss] {
        defer {
            metrics = []
            byName = [:]
            goneCount = 0
            isScanned = true
        }
        return metrics.compactMap { metric in
            metric.unsent == 0 ? nil : Loss(metric: metric.name, reason: .stop, amount: metric.unsent)
        }
    }

    /// What was read and not sent: what a stop now would lose.
    package var unsent: UInt64 { metrics.reduce(0) { $0 &+ $1.unsent } }
}

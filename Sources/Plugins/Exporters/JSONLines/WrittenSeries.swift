// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// What the lines say of each series so far. From it follow the differences, and what no line will ever say.
package struct WrittenSeries: Sendable {
    private struct Metric: Sendable {
        /// What the last line of each live series said, by the series' number.
        var values: [UInt64: UInt64] = [:]
        /// All differences so far, with what was lost, and what had been counted before the first reading.
        var accounted: UInt64
    }

    private var metrics: [String: Metric] = [:]

    /// An amount that stands in no line.
    package struct Loss: Equatable, Sendable {
        package enum Reason: String, Sendable {
            /// Series went (`pipeline.series_ttl`) between two readings.
            case unseen
            /// The agent left, or another configuration came, before the lines could be written.
            case stop
        }
        package let reason: Reason
        package let amount: UInt64
    }

    package init() {}

    /// Takes what the metrics had counted before this exporter for known. A metric that it has seen is left alone.
    package mutating func begin(_ reading: [MetricSnapshot]) {
        for snapshot in reading where metrics[snapshot.name] == nil {
            metrics[snapshot.name] = Metric(accounted: snapshot.carried.reduce(snapshot.expired, &+))
        }
    }

    package func values(of metric: String) -> [UInt64: UInt64] { metrics[metric]?.values ?? [:] }

    /// The lines of the `first` series of the reading are written. Returns what is lost by that: nothing while the others can still be.
    package mutating func take(_ snapshot: MetricSnapshot, first: Int, isLast: Bool) -> [Loss] {
        begin([snapshot])
        guard var metric = metrics[snapshot.name] else { return [] }
        var values: [UInt64: UInt64] = [:]
        values.reserveCapacity(snapshot.values.count)
        // Of the series that live.
        var open: UInt64 = 0
        for (series, number) in snapshot.numbers.enumerated() {
            let before = metric.values[number] ?? snapshot.carried[series]
            let unwritten = snapshot.values[series] &- before
            values[number] = series < first ? snapshot.values[series] : before
            if series < first { metric.accounted &+= unwritten } else { open &+= unwritten }
        }
        metric.values = values
        let known = metric.accounted &+ open
        let counted = snapshot.values.reduce(snapshot.expired, &+)
        let unseen = counted > known ? counted - known : 0
        metric.accounted &+= unseen &+ (isLast ? open : 0)
        metrics[snapshot.name] = metric
        return [Loss(reason: .unseen, amount: unseen), Loss(reason: .stop, amount: isLast ? open : 0)].filter { $0.amount > 0 }
    }
}

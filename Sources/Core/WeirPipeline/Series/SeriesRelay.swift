// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
package import WeirKit

/// The series as one exporter reads them for as long as it lives, whatever pipelines count them: a reload turns it to those of the next one.
///
/// An exporter that stays must see one story. Values, numbers and start times go on by themselves, as its metrics are the same before and
/// after; what is `carried` counts from the beginning of a pipeline, and is put back here to the beginning of the exporter.
package final class SeriesRelay: Sendable {
    private struct State {
        var reader: SeriesReader
        /// What series had counted before the exporter began, by metric and number; nil while they say so themselves.
        var carried: [String: [UInt64: UInt64]]?
    }

    private let state: Mutex<State>

    package init(_ reader: SeriesReader) { state = Mutex(State(reader: reader)) }

    /// For the exporter.
    package var reader: SeriesReader {
        SeriesReader { [self] isYoungZero in
            let (reader, carried) = state.withLock { ($0.reader, $0.carried) }
            let snapshots = reader.read(bornAtZero: isYoungZero)
            guard let carried else { return snapshots }
            return snapshots.map { snapshot in
                let known = carried[snapshot.name] ?? [:]
                return snapshot.carrying(snapshot.numbers.map { known[$0] ?? 0 })
            }
        }
    }

    /// From here on the exporter reads the series of another pipeline, which took over those of the one before.
    package func turn(to next: SeriesReader) {
        let before = state.withLock { $0 }
        let carried = before.carried ?? Self.carried(before.reader)
        state.withLock { $0 = State(reader: next, carried: carried) }
    }

    /// Few: a series that began under the exporter's eyes carries nothing.
    private static func carried(_ reader: SeriesReader) -> [String: [UInt64: UInt64]] {
        var all: [String: [UInt64: UInt64]] = [:]
        for snapshot in reader.read(bornAtZero: false) {
            for (number, amount) in zip(snapshot.numbers, snapshot.carried) where amount > 0 { all[snapshot.name, default: [:]][number] = amount }
        }
        return all
    }
}

extension MetricSnapshot {
    fileprivate func carrying(_ amounts: [UInt64]) -> MetricSnapshot {
        MetricSnapshot(
            name: name, help: help, unit: unit, attributes: attributes, isNumber: isNumber, values: values, created: created, numbers: numbers,
            carried: amounts, expired: expired, texts: texts, overflow: overflow)
    }
}

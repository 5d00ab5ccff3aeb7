// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit
internal import Synchronization

/// All metrics' series, between the data thread that adds and the exporters that read.
package final class SeriesBook: Sendable {
    private struct State {
        var tables: [SeriesTable] = []
        /// Tables of the pipeline before, until the new one has taken them over.
        var inherited: [SeriesTable] = []
        var end: UInt64 = 0
    }

    private let state: Mutex<State>
    private let bornAtZero: UInt64

    /// Counters of metrics that `previous` had with the same measure and attributes go on.
    package init(plan: Plan, adopting previous: SeriesBook? = nil) {
        bornAtZero = UInt64(plan.input.pipeline.bornAtZero.nanoseconds)
        state = Mutex(State(inherited: previous?.state.withLock { $0.tables } ?? []))
    }

    /// Called once by the pipeline that will add.
    func open(_ tables: consuming [SeriesTable], _ knowledge: inout Knowledge) {
        state.withLock { state in
            for index in tables.indices {
                guard let old = state.inherited.first(where: { $0.definition.isContinued(by: tables[index].definition) }) else { continue }
                for slot in old.counters.indices { tables[index].restore(old, slot, &knowledge) }
            }
            state.inherited = []
            state.tables = tables
        }
    }

    /// Lends the tables to the data thread for one batch.
    func withTables<R>(_ body: (inout [SeriesTable]) -> R) -> R { state.withLock { body(&$0.tables) } }

    func endWindow(_ end: UInt64) { state.withLock { $0.end = end } }

    /// A reader that shows the metrics whose names match any of `metrics` (none: all of them). `final` shows every
    /// value at once; else a series younger than `born_at_zero` shows 0.
    package func reader(metrics globs: [Glob] = [], final: Bool = false) -> SeriesReader {
        SeriesReader { [self] in
            // The arrays are shared until either side changes them: one move under the lock.
            let (tables, now) = state.withLock { ($0.tables, $0.end) }
            return tables.filter { table in globs.isEmpty || globs.contains { $0.matches(table.definition.name) } }
                .map { $0.snapshot(showsZeroUntil: final ? 0 : bornAtZero, now: now) }
        }
    }
}

extension MetricDefinition {
    /// Whether a counter may go on under `next`: what it adds up and by what has not changed.
    func isContinued(by next: MetricDefinition) -> Bool {
        name == next.name && measure == next.measure && attributes == next.attributes && filter?.text == next.filter?.text
    }
}

extension SeriesTable {
    func snapshot(showsZeroUntil age: UInt64, now: UInt64) -> MetricSnapshot {
        var values: [UInt64] = []
        var created: [UInt64] = []
        var labels: [String] = []
        values.reserveCapacity(count)
        created.reserveCapacity(count)
        labels.reserveCapacity(count * columns.count)
        var overflow: Int?
        for slot in counters.indices where live[slot] {
            if slot == overflowSlot { overflow = values.count }
            values.append(now >= born[slot] &+ age ? counters[slot] : 0)
            created.append(born[slot])
            labels += texts[slot * columns.count..<(slot + 1) * columns.count]
        }
        return MetricSnapshot(
            name: definition.name, help: definition.help, unit: definition.measure.unit, attributes: definition.attributes.map(\.name),
            values: values, created: created, texts: labels, overflow: overflow)
    }
}

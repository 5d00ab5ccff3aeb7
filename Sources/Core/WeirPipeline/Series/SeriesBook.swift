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
        /// The end of the last window, by the monotonic clock.
        var end: UInt64 = 0
    }

    private let state: Mutex<State>
    private let bornAtZero: UInt64

    /// Counters of metrics that `previous` had with the same measure, filter and attributes go on.
    package init(plan: Plan, adopting previous: SeriesBook? = nil) {
        bornAtZero = UInt64(plan.input.pipeline.bornAtZero.nanoseconds)
        let before = previous?.state.withLock { $0 } ?? State()
        state = Mutex(State(inherited: before.tables, end: before.end))
    }

    /// Called once by the pipeline that will add. Returns the names of metrics that are no more.
    func open(_ tables: consuming [SeriesTable], _ knowledge: inout Knowledge) -> [String] {
        state.withLock { state in
            for index in tables.indices {
                let definition = tables[index].definition
                if let old = state.inherited.first(where: { $0.definition.isContinued(by: definition) }) {
                    tables[index].restore(old, &knowledge)
                } else if let old = state.inherited.first(where: {
                    $0.definition.name == definition.name && $0.definition.measure == definition.measure
                }) {
                    tables[index].bury(old)
                }
            }
            let names = Set(tables.map(\.definition.label))
            let gone = state.inherited.map(\.definition.label).filter { !names.contains($0) }
            state.inherited = []
            state.tables = tables
            return gone
        }
    }

    /// Lends the tables to the data thread for one batch.
    func withTables<R>(_ body: (inout [SeriesTable]) -> R) -> R { state.withLock { body(&$0.tables) } }

    func endWindow(_ end: Moment) { state.withLock { $0.end = end.monotonic } }

    /// A reader that shows the metrics whose names match any of `globs`; nil shows all. With a profile it shows what exporters of that
    /// one see, in its words; without one everything in Weir's, without a prefix. `final` shows every value at once; else a series
    /// younger than `born_at_zero` shows 0 to readers that do not ask for more.
    package func reader(metrics globs: [Glob]? = nil, naming profile: NamingProfile? = nil, final: Bool = false) -> SeriesReader {
        SeriesReader { [self] isYoungZero in
            // The arrays are shared until either side changes them: one move under the lock.
            let (tables, now) = state.withLock { state in
                // Before the first window of a new pipeline the tables are still to be taken over.
                (state.inherited.isEmpty ? state.tables : state.inherited, state.end)
            }
            let age = final || !isYoungZero ? 0 : bornAtZero
            return tables.compactMap { table in
                guard table.definition.isChosen(by: globs) else { return nil }
                guard let profile else { return table.snapshot(as: nil, showsZeroUntil: age, now: now) }
                guard let shown = table.definition.shown.first(where: { $0.profile == profile }) else { return nil }
                return table.snapshot(as: shown, showsZeroUntil: age, now: now)
            }
        }
    }
}

extension MetricDefinition {
    /// Whether a counter may go on under `next`: what it adds up and by what has not changed.
    func isContinued(by next: MetricDefinition) -> Bool {
        name == next.name && measure == next.measure && attributes == next.attributes && filter?.text == next.filter?.text
    }

    /// Whether readers see nothing of it when `next` takes its place: the same series under the same names, none of them folded.
    func isSame(as next: MetricDefinition) -> Bool {
        isContinued(by: next) && maxSeries == next.maxSeries && help == next.help && selected == next.selected && label == next.label
            && shown.elementsEqual(next.shown) { $0.profile == $1.profile && $0.name == $1.name && $0.attributes.names == $1.attributes.names }
    }

    /// Whether exporters that read `before` can go on with `after`.
    package static func areSame(_ before: [MetricDefinition], _ after: [MetricDefinition]) -> Bool {
        before.elementsEqual(after) { $0.isSame(as: $1) }
    }

    /// Whether any of the globs means this metric, dots and underscores being the same; nil means all.
    package func isChosen(by globs: [Glob]?) -> Bool {
        guard let globs else { return true }
        return globs.contains { Glob(Catalog.normal($0.pattern)).matches(Catalog.normal(name)) }
    }
}

extension SeriesTable {
    func snapshot(as shown: MetricDefinition.Shown?, showsZeroUntil age: UInt64, now: UInt64) -> MetricSnapshot {
        var values: [UInt64] = []
        var created: [UInt64] = []
        var numbers: [UInt64] = []
        var carried: [UInt64] = []
        var labels: [String] = []
        values.reserveCapacity(count)
        created.reserveCapacity(count)
        numbers.reserveCapacity(count)
        carried.reserveCapacity(count)
        labels.reserveCapacity(count * columns.count)
        var overflow: Int?
        for slot in counters.indices where live[slot] {
            if slot == overflowSlot { overflow = values.count }
            values.append(now >= born[slot] &+ age ? counters[slot].value : 0)
            created.append(self.created[slot])
            numbers.append(self.numbers[slot])
            carried.append(self.carried[slot])
            labels += texts[slot * columns.count..<(slot + 1) * columns.count]
        }
        // Few words, all short: once per series and reading.
        for column in shown?.attributes.lowerCase ?? [] {
            for series in values.indices { labels[series * columns.count + column] = labels[series * columns.count + column].lowercased() }
        }
        return MetricSnapshot(
            name: shown?.name ?? definition.name, help: definition.help, unit: definition.measure.unit,
            attributes: shown?.attributes.names ?? definition.selected.map(\.name), isNumber: columns.map(\.isNumber), values: values,
            created: created, numbers: numbers, carried: carried, expired: expired, texts: labels, overflow: overflow)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// The agent's own counters and gauges as metrics of OTLP, under the names that Prometheus shows, without `_total`.
struct OwnMetrics: Sendable {
    private struct Known: Sendable {
        var columns: [String] = []
        var numbers: [[String]: UInt64] = [:]
    }

    private let registry: MetricRegistry
    /// When the counters began, in nanoseconds since 1970.
    private let began: UInt64
    private var known: [String: Known] = [:]

    init(_ registry: MetricRegistry, began: UInt64) {
        self.registry = registry
        self.began = began
    }

    /// Numbers series as `previous` did.
    mutating func goOn(from previous: OwnMetrics) { known = previous.known }

    mutating func read() -> [Reading] { registry.read().map { reading($0) } }

    private mutating func reading(_ family: MetricRegistry.Family) -> Reading {
        var known = self.known[family.name] ?? Known()
        for (labels, _) in family.cells {
            // Columns are only ever added, so that a series' texts keep their places.
            for label in labels where !known.columns.contains(label.name) { known.columns.append(label.name) }
        }
        var numbers: [UInt64] = []
        var texts: [String] = []
        for (labels, _) in family.cells {
            let row = known.columns.map { column in labels.first { $0.name == column }?.value ?? "" }
            // A later column does not make another series of an old one.
            let key = row.reversed().drop { $0.isEmpty }.reversed() as [String]
            let number = known.numbers[key] ?? UInt64(known.numbers.count)
            known.numbers[key] = number
            numbers.append(number)
            texts += row
        }
        self.known[family.name] = known
        let isCounter = family.kind == .counter
        let name = isCounter && family.name.hasSuffix("_total") ? String(family.name.dropLast(6)) : family.name
        let snapshot = MetricSnapshot(
            name: name, help: family.help, unit: name.hasSuffix("_bytes") ? "By" : name.hasSuffix("_seconds") ? "s" : "", attributes: known.columns,
            values: family.cells.map(\.cell.current), created: family.cells.map { _ in began }, numbers: numbers, texts: texts, overflow: nil)
        return Reading(snapshot, kind: isCounter ? .sum : .gauge, isSeconds: family.scale == .nanoseconds)
    }
}

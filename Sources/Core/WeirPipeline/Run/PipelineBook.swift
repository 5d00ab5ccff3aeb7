// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Patterns
internal import Synchronization
internal import WeirKit

/// The pipeline's book: taken from the kernel = series_total + Σ not_exported{reason} + held, in bytes and in packets as they were counted,
/// whatever the sampling. What a metric adds up, its own filter leaves out and its expired series took along comes after the book and is
/// scaled: sum of series + expired + filtered = series_total × rate, or the sum of that over the rates there were.
package struct PipelineBook: Sendable {
    /// One line of the book.
    struct Line: Sendable {
        private let bytes: Cell
        private let packets: Cell

        init(_ registry: MetricRegistry, _ name: String, _ help: String, _ labels: [(name: String, value: String)] = []) {
            bytes = registry.counter("weir_pipeline_\(name)_bytes_total", "Bytes \(help)", labels)
            packets = registry.counter("weir_pipeline_\(name)_packets_total", "Packets \(help)", labels)
        }

        func add(_ bytes: UInt64, _ packets: UInt64) {
            self.bytes.add(bytes)
            self.packets.add(packets)
        }
    }

    let taken: Line
    let series: Line
    let filtered: Line
    let covered: Line
    let flows: Cell
    private let heldBytes: Cell
    private let heldPackets: Cell
    private let heldFlows: Cell
    let hurried: Cell
    private let endpoints: Cell
    private let evictions: Cell
    private let symbols: Cell
    private let givenUp: Cell
    private let registry: MetricRegistry

    init(_ registry: MetricRegistry) {
        self.registry = registry
        taken = Line(registry, "taken", "that the pipeline took from the kernel.")
        series = Line(registry, "series", "that reached the metrics, before their own filters.")
        filtered = Line(registry, "not_exported", "that were not exported.", [("reason", "filtered")])
        covered = Line(registry, "not_exported", "that were not exported.", [("reason", "covered")])
        flows = registry.counter("weir_pipeline_flows_total", "Flows taken from the kernel.")
        heldBytes = registry.gauge("weir_pipeline_held_bytes", "Bytes of flows that wait for an answer.")
        heldPackets = registry.gauge("weir_pipeline_held_packets", "Packets of flows that wait for an answer.")
        heldFlows = registry.gauge("weir_pipeline_held_flows", "Flows that wait for an answer.")
        hurried = registry.counter("weir_pipeline_hold_overflow_flows_total", "Flows that went on unanswered because max_held_flows waited.")
        endpoints = registry.gauge("weir_pipeline_endpoints", "Endpoints in the table.")
        evictions = registry.counter("weir_pipeline_endpoint_evictions_total", "Endpoints that gave way to others at max_endpoints.")
        symbols = registry.gauge("weir_pipeline_symbols", "Distinct texts alive.")
        givenUp = registry.counter(
            "weir_pattern_matches_given_up_total", "Regular expressions that reached their limit on a text; it counts as no match.")
    }

    /// A metric of the configuration before that is no more.
    func forget(_ metric: String) { registry.forget("metric", metric) }

    func note(_ hold: borrowing HoldBuffer) {
        heldBytes.set(hold.bytes)
        heldPackets.set(hold.packets)
        heldFlows.set(UInt64(hold.count))
    }

    func note(_ knowledge: borrowing Knowledge) {
        endpoints.set(UInt64(knowledge.endpoints.count))
        evictions.set(knowledge.endpoints.evictions)
        symbols.set(UInt64(knowledge.symbols.count))
        givenUp.set(Pattern.givenUp.load(ordering: .relaxed))
    }

    func note(_ table: borrowing SeriesTable) {
        let labels = [("metric", table.definition.label)]
        registry.gauge("weir_series", "Series alive.", labels).set(UInt64(table.count))
        registry.counter("weir_series_overflow_rows_total", "Rows counted in the overflow series, because max_series was reached.", labels)
            .set(table.overflowRows)
        registry.counter("weir_series_other_rows_total", "Rows with a value beyond max_values, counted as (other).", labels).set(table.otherValues)
        registry.counter("weir_series_filtered_value_total", "What the metric's own filter left out.", labels).set(table.filtered)
        registry.counter("weir_series_expired_value_total", "What series had counted that were let go after series_ttl.", labels).set(table.expired)
    }
}

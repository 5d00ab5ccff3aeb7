// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Every counter of the plugin.
struct Metrics {
    let attempts: Cell
    let refused: Cell
    let changes: Cell
    let subnets: Cell
    let up: Cell
    let lastAnswer: Cell
    private let registry: MetricRegistry

    init(_ registry: MetricRegistry) {
        self.registry = registry
        attempts = registry.counter("weir_cloud_instance_attempts_total", "Times the metadata service was asked.")
        refused = registry.counter(
            "weir_cloud_instance_refused_values_total", "Values in answers that were not taken because they cannot be meant: HTML, blanks, too long.")
        changes = registry.counter("weir_cloud_instance_changes_total", "Times the service told something new; the first time is one.")
        subnets = registry.gauge("weir_cloud_instance_subnets", "Ranges whose addresses are in the host's own zone, by the service's word.")
        up = registry.gauge("weir_cloud_instance_up", "1 while the last attempt was told all that it asked for.")
        lastAnswer = registry.gauge(
            "weir_cloud_instance_last_answer_timestamp_seconds",
            "When the service last told all it was asked for, in seconds since 1970; 0 for never.")
    }

    func failed(_ reason: String) {
        registry.counter(
            "weir_cloud_instance_failures_total", "Questions that the metadata service did not answer, by reason.", [("reason", reason)]
        ).add()
    }
}

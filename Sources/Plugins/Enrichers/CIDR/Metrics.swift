// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Every counter of the plugin.
struct Metrics {
    let rows: Cell
    let reloads: Cell
    let failed: Cell

    init(_ registry: MetricRegistry) {
        rows = registry.gauge("weir_cidr_rows", "Rows of the table that answers now.")
        reloads = registry.counter("weir_cidr_reloads_total", "Changed table files that were read again.")
        failed = registry.counter(
            "weir_cidr_failed_reloads_total", "Changed table files that could not be used; the last good table went on.")
    }
}

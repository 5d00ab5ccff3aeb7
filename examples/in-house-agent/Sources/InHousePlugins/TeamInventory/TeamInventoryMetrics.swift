// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import WeirKit

/// Every counter of the plugin.
struct TeamInventoryMetrics {
    let lines: Cell
    let reloads: Cell
    let unlisted: Cell

    init(_ registry: MetricRegistry) {
        lines = registry.gauge("weir_team_inventory_lines", "Owners and patterns that the inventory names.")
        reloads = registry.counter("weir_team_inventory_reloads_total", "Times that a changed inventory was taken over.")
        unlisted = registry.counter("weir_team_inventory_unlisted_total", "Ends of flows that were asked about and whose owner no line names.")
    }
}

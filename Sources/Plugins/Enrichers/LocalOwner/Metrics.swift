// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Every counter of the plugin.
struct Metrics {
    let scans: Cell
    let cutScans: Cell
    let cgroups: Cell
    let notFound: Cell

    init(_ registry: MetricRegistry) {
        scans = registry.counter("weir_local_owner_scans_total", "Scans of the cgroup tree.")
        cutScans = registry.counter(
            "weir_local_owner_cut_scans_total", "Scans that did not see all: more cgroups than are kept, or a folder that could not be read.")
        cgroups = registry.gauge("weir_local_owner_cgroups", "Cgroups that the last scan found.")
        notFound = registry.counter(
            "weir_local_owner_not_found_total", "Cgroups of sockets that no scan found: gone before it came, or outside of the mounted tree.")
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Every counter of one resource. They carry the label `resource`.
package struct ReflectorMetrics: Sendable {
    let lists: Cell
    let watches: Cell
    let puts: Cell
    let deletes: Cell
    let skipped: Cell
    let badValues: Cell
    let bytes: Cell
    let restarts: [RestartReason: Cell]

    package init(_ registry: MetricRegistry, resource: KubernetesResource) {
        let registry = registry.labelled("resource", resource.description)
        lists = registry.counter("weir_kubernetes_lists_total", "Lists that were read to their end.")
        watches = registry.counter("weir_kubernetes_watches_total", "Watches that the API server has accepted.")
        func events(_ type: String) -> Cell {
            registry.counter("weir_kubernetes_events_total", "Objects that were put or deleted, by lists and watches.", [("type", type)])
        }
        puts = events("put")
        deletes = events("delete")
        skipped = registry.counter("weir_kubernetes_skipped_objects_total", "Objects and events that could not be read, and were skipped.")
        badValues = registry.counter(
            "weir_kubernetes_bad_values_total", "Values of objects that were left out: an address that is none, a text that is too long.")
        bytes = registry.counter("weir_kubernetes_bytes_total", "Bytes of lists and watches.")
        restarts = Dictionary(
            uniqueKeysWithValues: RestartReason.allCases.map { reason in
                let help = "Lists and watches that ended before they should, and watches that ended at their time (closed)."
                return (reason, registry.counter("weir_kubernetes_restarts_total", help, [("reason", reason.rawValue)]))
            })
    }
}

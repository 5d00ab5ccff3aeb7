// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Every counter of the plugin; those of lists and watches are beside them, made by the API's client.
struct Metrics {
    let pods: Cell
    let nodes: Cell
    let services: Cell
    let controllers: Cell
    let addresses: Cell
    let texts: Cell
    let knowledgeAge: Cell
    let synced: Cell
    let unsettled: Cell
    let unsettledRefused: Cell
    let addressesRefused: Cell

    init(_ registry: MetricRegistry) {
        func objects(_ kind: String) -> Cell {
            registry.gauge("weir_kubernetes_objects", "Objects that the API names now, by kind.", [("kind", kind)])
        }
        pods = objects("pod")
        nodes = objects("node")
        services = objects("service")
        controllers = objects("controller")
        addresses = registry.gauge("weir_kubernetes_addresses", "Addresses that an object has, or had within the grace period.")
        texts = registry.gauge("weir_kubernetes_texts", "Different texts that are kept.")
        knowledgeAge = registry.gauge(
            "weir_kubernetes_knowledge_age_seconds",
            "How long ago the API server last said something of a resource, of the one that it was longest silent about; refusals say nothing.")
        synced = registry.gauge("weir_kubernetes_synced", "1 once every list was read to its end.")
        unsettled = registry.gauge(
            "weir_kubernetes_unsettled", "Addresses within the cluster that the API did not know when asked, of the last ten minutes.")
        unsettledRefused = registry.counter(
            "weir_kubernetes_unsettled_refused_total", "Unknown addresses that were not waited for, since there were too many.")
        addressesRefused = registry.counter(
            "weir_kubernetes_refused_addresses_total", "Addresses left out because more objects share them than are kept apart.")
    }
}

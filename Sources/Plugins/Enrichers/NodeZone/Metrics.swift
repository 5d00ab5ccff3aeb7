// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Every counter of the plugin; those of lists and watches are beside them, made by the API's client.
struct Metrics {
    let nodes: Cell
    let knowledgeAge: Cell

    init(_ registry: MetricRegistry) {
        nodes = registry.gauge("weir_node_zone_nodes", "Nodes that the API names now.")
        knowledgeAge = registry.gauge("weir_node_zone_knowledge_age_seconds", "How long ago the API server last said something of nodes.")
    }
}

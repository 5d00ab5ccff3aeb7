// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import KubernetesClient
internal import WeirKit

/// How one resource gets from the API server into the knowledge.
struct Feed<Object: KubernetesObject>: Sendable {
    let resource: KubernetesResource
    /// The labels that are needed of it.
    var labels: [String] = []
    let begin: @Sendable (inout KubernetesEnricher.State) -> Void
    let put: @Sendable (inout KubernetesEnricher.State, Object, Moment) -> Void
    let delete: @Sendable (inout KubernetesEnricher.State, ObjectUID, Moment) -> Void
    /// Those that the list did not name.
    let end: @Sendable (inout KubernetesEnricher.State) -> [ObjectUID]
}

extension Feed<Pod> {
    static func pods(_ options: KubernetesOptions) -> Feed {
        Feed(
            resource: .pods, labels: options.labels.pod.map(\.label), begin: { $0.knowledge.beginPods() },
            put: { $0.knowledge.put($1, at: $2) }, delete: { $0.knowledge.deletePod($1, at: $2) }, end: { $0.knowledge.endPods() })
    }
}

extension Feed<Node> {
    static func nodes(_ options: KubernetesOptions) -> Feed {
        Feed(
            resource: .nodes, labels: options.labels.node.map(\.label) + options.selector.keys + ClusterName.nodeLabels,
            begin: { $0.knowledge.beginNodes() },
            put: { state, node, now in
                state.cluster.see(node.meta.labels)
                state.knowledge.put(node, at: now)
            },
            delete: { $0.knowledge.deleteNode($1, at: $2) }, end: { $0.knowledge.endNodes() })
    }
}

extension Feed<Service> {
    static func services() -> Feed {
        Feed(
            resource: .services, begin: { $0.knowledge.beginServices() }, put: { $0.knowledge.put($1, at: $2) },
            delete: { $0.knowledge.deleteService($1, at: $2) }, end: { $0.knowledge.endServices() })
    }
}

extension Feed<PartialObject> {
    static func namespaces(_ options: KubernetesOptions) -> Feed {
        Feed(
            resource: .namespaces, labels: options.labels.namespace.map(\.label), begin: { $0.knowledge.beginNamespaces() },
            put: { $0.knowledge.put(namespace: $1, at: $2) }, delete: { $0.knowledge.deleteNamespace($1, at: $2) },
            end: { $0.knowledge.endNamespaces() })
    }

    static func controllers(_ kind: ClusterKnowledge.ControllerKind) -> Feed {
        Feed(
            resource: kind == .replicaSet ? .replicaSets : .jobs, begin: { $0.knowledge.beginControllers(kind) },
            put: { state, object, _ in state.knowledge.put(object, kind) },
            delete: { state, uid, _ in state.knowledge.deleteController(uid) }, end: { $0.knowledge.endControllers(kind) })
    }
}

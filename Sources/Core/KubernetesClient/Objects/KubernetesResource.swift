// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Which objects to list and watch.
package struct KubernetesResource: Hashable, Sendable, CustomStringConvertible {
    /// Empty for the core group.
    package var group: String
    package var version: String
    /// As paths have it: `replicasets`.
    package var plural: String
    /// As owner references have it: `ReplicaSet`.
    package var kind: String
    /// Ask the server for the metadata alone.
    package var metadataOnly: Bool
    /// One namespace; nil for all.
    package var namespace: String?
    /// `app=web,tier!=cache`; empty for all.
    package var labelSelector: String
    /// `spec.nodeName=node-1`; empty for all.
    package var fieldSelector: String

    package init(
        group: String = "", version: String = "v1", plural: String, kind: String, metadataOnly: Bool = false, namespace: String? = nil,
        labelSelector: String = "", fieldSelector: String = ""
    ) {
        self.group = group
        self.version = version
        self.plural = plural
        self.kind = kind
        self.metadataOnly = metadataOnly
        self.namespace = namespace
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
    }

    package static let pods = KubernetesResource(plural: "pods", kind: "Pod")
    package static let nodes = KubernetesResource(plural: "nodes", kind: "Node")
    package static let services = KubernetesResource(plural: "services", kind: "Service")
    package static let namespaces = KubernetesResource(plural: "namespaces", kind: "Namespace", metadataOnly: true)
    package static let replicaSets = KubernetesResource(group: "apps", plural: "replicasets", kind: "ReplicaSet", metadataOnly: true)
    package static let jobs = KubernetesResource(group: "batch", plural: "jobs", kind: "Job", metadataOnly: true)

    /// `apps/v1`; `v1` for the core group: as owner references have it.
    package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// `pods`, `replicasets.apps`: how logs and labels of metrics say it.
    package var description: String { group.isEmpty ? plural : "\(plural).\(group)" }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import KubernetesClient

/// Which cluster this is: as configured; else as the tools that made it have labelled its nodes; else the uid of its kube-system
/// namespace, which every cluster has and no two share. Once found it stays: a name that changes would make every series anew.
struct ClusterName: Sendable {
    /// eksctl, Cluster API, AKS; the first that any node has.
    static let nodeLabels = ["alpha.eksctl.io/cluster-name", "cluster.x-k8s.io/cluster-name", "kubernetes.azure.com/cluster"]

    private(set) var name: String?
    /// Per label: its least value.
    private var candidates: [String?] = Array(repeating: nil, count: nodeLabels.count)

    init(configured: String) { name = configured.isEmpty ? nil : configured }

    /// Called for every node, before `settle`.
    mutating func see(_ labels: Labels) {
        guard name == nil, !labels.isEmpty else { return }
        for (index, label) in Self.nodeLabels.enumerated() {
            guard let value = labels[label], !value.isEmpty else { continue }
            candidates[index] = min(candidates[index] ?? value, value)
        }
    }

    /// All nodes were seen. Whether there is a name now.
    mutating func settle() -> Bool {
        name = name ?? candidates.compactMap { $0 }.first
        return name != nil
    }

    /// All nodes were seen, or none may be. A label is preferred whenever it is there: so all agents call the cluster the same.
    mutating func settle(uid: String) { if !settle() { name = uid } }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

extension Attribute {
    static let k8sNamespace = endpoint("k8s.namespace", "The Kubernetes namespace of the pod or Service.")
    static let k8sName = endpoint("k8s.name", "The name of the pod, Service or node.")
    static let k8sType = endpoint("k8s.type", "What `k8s.name` names: Pod, Service or Node.")
    static let k8sOwnerName = endpoint(
        "k8s.owner.name", "The workload that owns the pod, by the API: the Deployment, CronJob, …; else the object itself.")
    static let k8sOwnerType = endpoint(
        "k8s.owner.type", "The kind of that owner, as the API names it: Deployment, StatefulSet, Pod, Service, Node, …")
    static let k8sNodeName = endpoint("k8s.node.name", "The node that the pod runs on, or the node itself.")
    static let k8sNodeIP = endpoint("k8s.node.ip", "That node's first address.")
    static let k8sClusterName = flow(
        "k8s.cluster.name", "The cluster's name: as configured, by its nodes' labels, else the uid of its kube-system namespace.")
    static let sourceServiceName = flow("src.service.name", "The Service whose address was dialled, where this host translated it to the source.")
    static let sourceServiceNamespace = flow("src.service.namespace", "The namespace of that Service.")
    static let destinationServiceName = flow(
        "dst.service.name", "The Service whose address was dialled, where this host translated it to the destination.")
    static let destinationServiceNamespace = flow("dst.service.namespace", "The namespace of that Service.")
    /// `local_owner` reads it from the cgroup of a socket.
    static let k8sPodUID = endpoint("k8s.pod.uid", "The pod's uid, from its cgroup.", needs: .owner)

    /// Those that only the list of ReplicaSets and Jobs can answer.
    static let k8sOwners: Set<Attribute> = [.k8sOwnerName, .k8sOwnerType, .ownerName, .ownerType]
    /// Those that only the list of Services can answer, beside pods and nodes.
    static let k8sNames: Set<Attribute> = k8sOwners.union([.k8sNamespace, .k8sName, .k8sType, .name])
    /// Those of the Service that was dialled.
    static let dialled: Set<Attribute> = [.sourceServiceName, .sourceServiceNamespace, .destinationServiceName, .destinationServiceNamespace]
}

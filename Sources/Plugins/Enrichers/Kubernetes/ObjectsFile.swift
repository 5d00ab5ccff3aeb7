// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import KubernetesClient

/// Objects that a file tells of, in place of an API server.
enum ObjectsFile {
    /// Applies them in order. An object without a time has been there since ever.
    static func apply(_ objects: [RecordedObject], to knowledge: inout ClusterKnowledge, _ cluster: inout ClusterName) {
        guard !objects.isEmpty else { return }
        var kubeSystem = ""
        for object in objects {
            let seconds = Double(object.time ?? 0) / 1e9
            let now = Moment(wall: seconds, monotonic: seconds)
            switch object.change {
            case .pod(let pod): knowledge.put(pod, at: now)
            case .node(let node):
                cluster.see(node.meta.labels)
                knowledge.put(node, at: now)
            case .service(let service): knowledge.put(service, at: now)
            case .namespace(let namespace):
                knowledge.put(namespace: namespace, at: now)
                if namespace.meta.name == "kube-system" { kubeSystem = namespace.meta.uid }
            case .replicaSet(let object): knowledge.put(object, .replicaSet)
            case .job(let object): knowledge.put(object, .job)
            case .delete(let resource, let identity): delete(resource, ObjectUID(identity.uid), in: &knowledge, at: now)
            }
        }
        if !cluster.settle(), !kubeSystem.isEmpty { cluster.settle(uid: kubeSystem) }
    }

    private static func delete(_ resource: KubernetesResource, _ uid: ObjectUID, in knowledge: inout ClusterKnowledge, at now: Moment) {
        switch resource {
        case .pods: knowledge.deletePod(uid, at: now)
        case .nodes: knowledge.deleteNode(uid, at: now)
        case .services: knowledge.deleteService(uid, at: now)
        case .namespaces: knowledge.deleteNamespace(uid, at: now)
        default: knowledge.deleteController(uid)
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import KubernetesEnricher
import WeirKit

/// Objects of a made-up cluster, all of one kind by their uid.
struct World: Equatable {
    var pods: [String: Pod] = [:]
    var nodes: [String: Node] = [:]
    var services: [String: Service] = [:]
    var namespaces: [String: PartialObject] = [:]
    var replicaSets: [String: PartialObject] = [:]
    var jobs: [String: PartialObject] = [:]
}

/// What a reference knows: looks through all objects, and knows no time.
extension World {
    func facts(of address: IPAddress, pod uid: String?, _ options: KnowledgeOptions) -> EndFacts? {
        if let uid, let pod = pods[uid] ?? pods.values.first(where: { $0.staticUID == uid }) { return facts(of: pod, options) }
        if let pod = pods.values.first(where: { !$0.hostNetwork && !$0.isCompleted && $0.addresses.contains(address) }) {
            // A socket of a pod that nobody knows is not this one's.
            return uid == nil ? facts(of: pod, options) : nil
        }
        if let node = nodes.values.first(where: { $0.addresses.contains { $0.address == address } }) {
            var facts = EndFacts(kind: .node, name: node.meta.name, ownerName: node.meta.name, ownerType: "Node")
            facts.nodeName = node.meta.name
            facts.nodeAddress = node.primaryAddress
            facts.isCovered = options.covered?.matches(node.meta.labels) ?? false
            facts.nodeLabels = values(node.meta.labels, options.nodeLabels)
            return facts
        }
        let holds = { (service: Service) in
            (service.clusterAddresses + service.externalAddresses + service.loadBalancerAddresses).contains(address)
        }
        guard let service = services.values.first(where: holds) else { return nil }
        var facts = EndFacts(kind: .service, name: service.meta.name, ownerName: service.meta.name, ownerType: "Service")
        facts.namespace = service.meta.namespace
        facts.namespaceLabels = namespaceLabels(service.meta.namespace, options)
        return facts
    }

    private func facts(of pod: Pod, _ options: KnowledgeOptions) -> EndFacts {
        var facts = EndFacts(kind: .pod, name: pod.meta.name, ownerName: pod.meta.name, ownerType: "Pod")
        facts.namespace = pod.meta.namespace
        if let controller = pod.meta.controller {
            facts.ownerName = controller.name
            facts.ownerType = controller.kind
            let table = controller.apiVersion == "apps/v1" && controller.kind == "ReplicaSet" ? replicaSets : jobs
            if controller.kind == "ReplicaSet" || controller.kind == "Job" {
                facts.isOwnerFinal = table[controller.uid] != nil
                if let above = table[controller.uid]?.meta.controller {
                    facts.ownerName = above.name
                    facts.ownerType = above.kind
                }
            }
        }
        facts.nodeName = pod.nodeName
        let node = nodes.values.first { $0.meta.name == pod.nodeName && !pod.nodeName.isEmpty }
        facts.nodeAddress = pod.hostAddresses.first ?? node?.primaryAddress
        facts.isCovered = options.covered.map { selector in node.map { selector.matches($0.meta.labels) } ?? selector.matchesAll } ?? false
        facts.podLabels = values(pod.meta.labels, options.podLabels)
        facts.nodeLabels = values(node?.meta.labels ?? [:], options.nodeLabels)
        facts.namespaceLabels = namespaceLabels(pod.meta.namespace, options)
        return facts
    }

    private func namespaceLabels(_ name: String, _ options: KnowledgeOptions) -> [String?] {
        values(namespaces.values.first { $0.meta.name == name }?.meta.labels ?? [:], options.namespaceLabels)
    }

    /// None at all when none is set.
    private func values(_ labels: Labels, _ names: [String]) -> [String?] {
        let values = names.map { labels[$0] }
        return values.contains { $0 != nil } ? values : []
    }
}

/// One thing that the API may tell, of one kind.
enum Told {
    case begin(Kind)
    case pod(Pod)
    case node(Node)
    case service(Service)
    case namespace(PartialObject)
    case replicaSet(PartialObject)
    case job(PartialObject)
    case delete(Kind, String)
    case end(Kind)

    enum Kind: CaseIterable { case pod, node, service, namespace, replicaSet, job }
}

extension ClusterKnowledge {
    mutating func tell(_ told: Told, at now: Moment) {
        switch told {
        case .begin(.pod): beginPods()
        case .begin(.node): beginNodes()
        case .begin(.service): beginServices()
        case .begin(.namespace): beginNamespaces()
        case .begin(.replicaSet): beginControllers(.replicaSet)
        case .begin(.job): beginControllers(.job)
        case .pod(let pod): put(pod, at: now)
        case .node(let node): put(node, at: now)
        case .service(let service): put(service, at: now)
        case .namespace(let namespace): put(namespace: namespace, at: now)
        case .replicaSet(let object): put(object, .replicaSet)
        case .job(let object): put(object, .job)
        case .delete(let kind, let uid): delete(kind, ObjectUID(uid), at: now)
        case .end(let kind):
            let unnamed =
                switch kind {
                case .pod: endPods()
                case .node: endNodes()
                case .service: endServices()
                case .namespace: endNamespaces()
                case .replicaSet: endControllers(.replicaSet)
                case .job: endControllers(.job)
                }
            for uid in unnamed { delete(kind, uid, at: now) }
        }
    }

    private mutating func delete(_ kind: Told.Kind, _ uid: ObjectUID, at now: Moment) {
        switch kind {
        case .pod: deletePod(uid, at: now)
        case .node: deleteNode(uid, at: now)
        case .service: deleteService(uid, at: now)
        case .namespace: deleteNamespace(uid, at: now)
        case .replicaSet, .job: deleteController(uid)
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// What is known of one end of a flow.
package struct EndFacts: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable { case pod = "Pod", service = "Service", node = "Node" }

    package var kind: Kind
    package var name: String
    /// Empty for nodes.
    package var namespace = ""
    package var ownerName: String
    package var ownerType: String
    /// Whether the API may still tell of an owner above this one.
    package var isOwnerFinal = true
    /// Empty where there is no node behind it.
    package var nodeName = ""
    package var nodeAddress: IPAddress?
    /// Whether an agent counts what it sends.
    package var isCovered = false
    /// In the order of the options; empty when none is set.
    package var podLabels: [String?] = []
    package var nodeLabels: [String?] = []
    package var namespaceLabels: [String?] = []

    package init(kind: Kind, name: String, ownerName: String, ownerType: String) {
        self.kind = kind
        self.name = name
        self.ownerName = ownerName
        self.ownerType = ownerType
    }
}

extension ClusterKnowledge {
    /// Who an address is at `time` (seconds since 1970). `pod` is the uid that the cgroup of the local socket tells, where it is
    /// known: it is right even where many share an address, or before the API knows of one.
    package func facts(of address: IPAddress, pod: ObjectUID?, at time: Double) -> EndFacts? {
        if let pod, let slot = pods.slot(of: pod) ?? staticPods[pod], let record = pods.record(slot) { return facts(of: record) }
        guard let holder = book.holder(of: address, at: time) else { return nil }
        switch holder.kind {
        // A socket of a pod that the API has yet to tell of is not that of another one, which had its address.
        case .pod: return pod == nil ? pods.record(holder.slot).map { facts(of: $0) } : nil
        case .node: return nodes.record(holder.slot).map { facts(of: $0, at: address) }
        case .service: return services.record(holder.slot).map { facts(of: $0) }
        }
    }

    /// The Service that has the address at `time`; a node's own address, which NodePorts are dialled by, is no Service's.
    package func service(at address: IPAddress, _ time: Double) -> (name: String, namespace: String)? {
        guard let holder = book.holder(of: address, at: time), holder.kind == .service, let record = services.record(holder.slot) else { return nil }
        return (record.name, texts[record.namespace])
    }

    /// Whether the address goes from one to another between the two times.
    package func changesHands(_ address: IPAddress, between first: Double, and second: Double) -> Bool {
        book.holder(of: address, at: first) != book.holder(of: address, at: second)
    }

    /// Whether an unknown address may be that of a pod that the API has yet to tell of.
    package func mayBeBorn(_ address: IPAddress) -> Bool { ranges.contains(address) }

    private func facts(of pod: PodRecord) -> EndFacts {
        var facts = EndFacts(kind: .pod, name: pod.name, ownerName: pod.name, ownerType: EndFacts.Kind.pod.rawValue)
        facts.namespace = texts[pod.namespace]
        if pod.controller != 0 {
            let owner = controllers.owner(pod.controller)
            facts.ownerName = texts[owner.name]
            facts.ownerType = texts[owner.kind]
            facts.isOwnerFinal = owner.isFinal
        }
        facts.nodeName = texts[pod.node]
        let node = node(named: pod.node)
        facts.nodeAddress = hostSets[pod.hosts].first ?? node?.primary
        facts.isCovered = isCovered(node)
        facts.podLabels = labelSets[pod.labels]
        facts.nodeLabels = labelSets[node?.labels ?? 0]
        facts.namespaceLabels = namespaceLabels(pod.namespace)
        return facts
    }

    private func facts(of node: NodeRecord, at address: IPAddress) -> EndFacts {
        let name = texts[node.name]
        var facts = EndFacts(kind: .node, name: name, ownerName: name, ownerType: EndFacts.Kind.node.rawValue)
        facts.nodeName = name
        facts.nodeAddress = node.primary ?? address
        facts.isCovered = node.isCovered
        facts.nodeLabels = labelSets[node.labels]
        return facts
    }

    private func facts(of service: ServiceRecord) -> EndFacts {
        var facts = EndFacts(
            kind: .service, name: service.name, ownerName: service.name, ownerType: EndFacts.Kind.service.rawValue)
        facts.namespace = texts[service.namespace]
        facts.namespaceLabels = namespaceLabels(service.namespace)
        return facts
    }

    private func namespaceLabels(_ name: UInt32) -> [String?] {
        labelSets[namespace(named: name)?.labels ?? 0]
    }
}

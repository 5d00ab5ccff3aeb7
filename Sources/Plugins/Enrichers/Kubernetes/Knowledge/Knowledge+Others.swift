// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import KubernetesClient
internal import WeirKit

extension ClusterKnowledge {
    package mutating func beginNodes() { nodes.beginList() }

    package mutating func endNodes() -> [ObjectUID] { nodes.endList() }

    /// What pods show of their node.
    private struct Shown: Equatable {
        var labels: UInt32
        var isCovered: Bool
        var address: IPAddress?
    }

    private func shown(ofNode name: UInt32) -> Shown {
        let node = node(named: name)
        return Shown(labels: node?.labels ?? 0, isCovered: isCovered(node), address: node?.primary)
    }

    private mutating func notePods(onNode name: UInt32, _ before: Shown) {
        let now = shown(ofNode: name)
        guard now != before else { return }
        // Most say themselves where they are.
        let isOfAll = now.labels != before.labels || now.isCovered != before.isCovered
        if isOfAll || podsAskingNodes > 0 { notePods { $0.node == name && (isOfAll || $0.asksNode) } }
    }

    /// The node as it is now. What its pods show of it costs one pass over the pods, when it changed.
    package mutating func put(_ node: Node, at now: Moment) {
        let uid = ObjectUID(node.meta.uid)
        let labels = hold(node.meta.labels, options.nodeLabels)
        let isCovered = options.covered.map { $0.matches(node.meta.labels) } ?? false
        let record = NodeRecord(
            uid: uid, name: texts.hold(node.meta.name), addresses: node.addresses.map(\.address).filter { $0 != .zero },
            primary: node.primaryAddress, labels: labels, isCovered: isCovered, ranges: node.podRanges)
        var before: NodeRecord?
        let slot: UInt32
        let shownBefore = shown(ofNode: record.name)
        if let known = nodes.slot(of: uid) {
            slot = known
            before = nodes[known]
            if nodes[known].name != record.name { unname(node: known) }
            let mark = (nodes.touch(known), nodes[known].mark).1
            nodes[known] = record
            nodes[known].mark = mark
        } else {
            slot = nodes.insert(record)
        }
        nodeOfName[record.name] = slot
        let holder = Holder(.node, slot)
        for address in before?.addresses ?? [] where !record.addresses.contains(address) {
            if book.end(address, holder, until: now.wall, at: now.monotonic) { note(address) }
        }
        // What the first list names was there before.
        let from = nodes.isListed ? now.wall : start(node.creation, now)
        for address in record.addresses where book.begin(address, holder, from: from, tie: uid.low) { note(address) }
        for range in record.ranges { ranges.add(range) }
        for range in before?.ranges ?? [] { ranges.remove(range) }
        notePods(onNode: record.name, shownBefore)
        if let before {
            let isSame =
                before.labels == labels && before.isCovered == isCovered && before.primary == record.primary && before.name == record.name
            if !isSame {
                for address in record.addresses { note(address) }
                noteFormer(of: holder)
            }
            texts.release(before.name)
            labelSets.release(before.labels)
        }
    }

    package mutating func deleteNode(_ uid: ObjectUID, at now: Moment) {
        guard let slot = nodes.slot(of: uid), !nodes[slot].isGone else { return }
        let holder = Holder(.node, slot)
        for address in nodes[slot].addresses where book.end(address, holder, until: now.wall, at: now.monotonic) { note(address) }
        nodes.end(slot, at: now.monotonic)
    }

    mutating func remove(node slot: UInt32) {
        let record = nodes[slot]
        for range in record.ranges { ranges.remove(range) }
        unname(node: slot)
        texts.release(record.name)
        labelSets.release(record.labels)
        nodes.remove(slot)
    }

    /// Its name is free for another, or for none.
    private mutating func unname(node slot: UInt32) {
        let name = nodes[slot].name
        guard nodeOfName[name] == slot else { return }
        let before = shown(ofNode: name)
        nodeOfName[name] = nil
        notePods(onNode: name, before)
    }

    /// The node of this name that came last.
    func node(named name: UInt32) -> NodeRecord? { name == 0 ? nil : nodeOfName[name].flatMap { nodes.record($0) } }

    /// When an object that was there before may have got its addresses.
    private func start(_ creation: UInt64?, _ now: Moment) -> Double { creation.map { min(Double($0) / 1e9, now.wall) } ?? 0 }

    /// Without a selector every node is covered, also one that is not known yet.
    func isCovered(_ node: NodeRecord?) -> Bool { node?.isCovered ?? (options.covered?.matchesAll ?? false) }
}

extension ClusterKnowledge {
    package mutating func beginServices() { services.beginList() }

    package mutating func endServices() -> [ObjectUID] { services.endList() }

    /// The Service as it is now: each of its addresses is its own, its name is all that it tells.
    package mutating func put(_ service: Service, at now: Moment) {
        let uid = ObjectUID(service.meta.uid)
        var addresses: [IPAddress] = []
        for address in service.clusterAddresses + service.externalAddresses + service.loadBalancerAddresses {
            if address != .zero, !addresses.contains(address) { addresses.append(address) }
        }
        let slot: UInt32
        var before: [IPAddress] = []
        if let known = services.slot(of: uid) {
            slot = known
            before = services[known].addresses
            services.touch(known)
            services[known].addresses = addresses
        } else {
            slot = services.insert(
                ServiceRecord(uid: uid, name: service.meta.name, namespace: texts.hold(service.meta.namespace), addresses: addresses))
        }
        let holder = Holder(.service, slot)
        for address in before where !addresses.contains(address) {
            if book.end(address, holder, until: now.wall, at: now.monotonic) { note(address) }
        }
        let from = services.isListed ? now.wall : start(service.creation, now)
        for address in addresses where book.begin(address, holder, from: from, tie: uid.low) { note(address) }
    }

    package mutating func deleteService(_ uid: ObjectUID, at now: Moment) {
        guard let slot = services.slot(of: uid), !services[slot].isGone else { return }
        let holder = Holder(.service, slot)
        for address in services[slot].addresses where book.end(address, holder, until: now.wall, at: now.monotonic) { note(address) }
        services.end(slot, at: now.monotonic)
    }

    mutating func remove(service slot: UInt32) {
        texts.release(services[slot].namespace)
        services.remove(slot)
    }
}

extension ClusterKnowledge {
    package mutating func beginNamespaces() { namespaces.beginList() }

    package mutating func endNamespaces() -> [ObjectUID] { namespaces.endList() }

    /// The namespace as it is now: its labels are shown by what lies in it.
    package mutating func put(namespace object: PartialObject, at now: Moment) {
        let uid = ObjectUID(object.meta.uid)
        let name = texts.hold(object.meta.name)
        let labels = hold(object.meta.labels, options.namespaceLabels)
        let slot: UInt32
        var before: NamespaceRecord?
        let shown = namespace(named: name)?.labels ?? 0
        if let known = namespaces.slot(of: uid) {
            slot = known
            before = namespaces[known]
            if namespaces[known].name != name { unname(namespace: known) }
            namespaces.touch(known)
            namespaces[known].name = name
            namespaces[known].labels = labels
        } else {
            slot = namespaces.insert(NamespaceRecord(uid: uid, name: name, labels: labels))
        }
        namespaceOfName[name] = slot
        if shown != labels { noteEverything(in: name) }
        if let before {
            texts.release(before.name)
            labelSets.release(before.labels)
        }
    }

    /// The namespace of this name that came last.
    func namespace(named name: UInt32) -> NamespaceRecord? { namespaceOfName[name].flatMap { namespaces.record($0) } }

    /// Its name is free for another, or for none.
    private mutating func unname(namespace slot: UInt32) {
        let (name, labels) = (namespaces[slot].name, namespaces[slot].labels)
        guard namespaceOfName[name] == slot else { return }
        namespaceOfName[name] = nil
        if labels != 0 { noteEverything(in: name) }
    }

    /// A pass over pods and Services.
    private mutating func noteEverything(in namespace: UInt32) {
        guard looks else { return }
        notePods { $0.namespace == namespace }
        for slot in services.slots(where: { $0.namespace == namespace }) {
            for address in services[slot].addresses { note(address) }
            noteFormer(of: Holder(.service, slot))
        }
    }

    package mutating func deleteNamespace(_ uid: ObjectUID, at now: Moment) {
        guard let slot = namespaces.slot(of: uid), !namespaces[slot].isGone else { return }
        namespaces.end(slot, at: now.monotonic)
    }

    mutating func remove(namespace slot: UInt32) {
        let record = namespaces[slot]
        unname(namespace: slot)
        texts.release(record.name)
        labelSets.release(record.labels)
        namespaces.remove(slot)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import KubernetesClient
internal import WeirKit

extension ClusterKnowledge {
    package mutating func beginPods() { pods.beginList() }

    /// Those that the list, now at its end, did not name: to be deleted.
    package mutating func endPods() -> [ObjectUID] { pods.endList() }

    /// The pod as it is now.
    package mutating func put(_ pod: Pod, at now: Moment) {
        let uid = ObjectUID(pod.meta.uid)
        guard let slot = pods.slot(of: uid) else { return insert(pod, uid, at: now) }
        let wasGone = pods[slot].isGone
        pods.touch(slot)
        let old = pods[slot]
        var new = old
        assign(pod, to: &new)
        let isSame =
            old.node == new.node && old.controller == new.controller && old.labels == new.labels && old.isHostNetwork == new.isHostNetwork
            && old.hosts == new.hosts
        // The old ones were held for this record too.
        texts.release(old.node)
        labelSets.release(old.labels)
        controllers.release(old.controller, &texts)
        podsAskingNodes += (new.asksNode ? 1 : 0) - (old.asksNode ? 1 : 0)
        if !isSame { pods[slot] = new }
        if !isSame || wasGone {
            note(old)
            note(new)
            if old.hasFormerAddress { noteFormer(of: Holder(.pod, slot)) }
        }
        hostSets.release(old.hosts)
        // An address that it did not begin with is its own from now on.
        let from = old.address == .zero && old.otherAddress == .zero ? start(of: pod, now) : now.wall
        setAddresses(of: slot, to: pod, from: from, at: now)
        register(static: pod, slot)
    }

    private mutating func insert(_ pod: Pod, _ uid: ObjectUID, at now: Moment) {
        var record = PodRecord(uid: uid, name: pod.meta.name, namespace: texts.hold(pod.meta.namespace))
        assign(pod, to: &record)
        let slot = pods.insert(record)
        if record.asksNode { podsAskingNodes += 1 }
        note(record)
        setAddresses(of: slot, to: pod, from: start(of: pod, now), at: now)
        register(static: pod, slot)
    }

    /// Fills in what may change, all of it held once more.
    private mutating func assign(_ pod: Pod, to record: inout PodRecord) {
        record.node = texts.hold(pod.nodeName)
        record.controller = pod.meta.controller.map { controllers.hold($0, &texts) } ?? 0
        record.labels = hold(pod.meta.labels, options.podLabels)
        record.isHostNetwork = pod.hostNetwork
        let hosts = pod.hostAddresses
        record.hosts = hostSets.hold(hosts.count > PodRecord.maxAddresses ? Array(hosts.prefix(PodRecord.maxAddresses)) : hosts)
    }

    mutating func hold(_ labels: Labels, _ names: [String]) -> UInt32 {
        guard !labels.isEmpty else { return 0 }
        let values = names.map { labels[$0] }
        return labelSets.hold(values.contains { $0 != nil } ? values : [])
    }

    /// When the pod may have got its first addresses.
    private func start(of pod: Pod, _ now: Moment) -> Double { pod.start.map { min(Double($0) / 1e9, now.wall) } ?? now.wall }

    private mutating func setAddresses(of slot: UInt32, to pod: Pod, from: Double, at now: Moment) {
        // What lies in the network of its node has no address of its own; what is completed has none any more.
        var own: [IPAddress] = []
        for address in pod.hostNetwork || pod.isCompleted ? [] : pod.addresses where address != .zero && own.count < PodRecord.maxAddresses {
            if !own.contains(address) { own.append(address) }
        }
        let before = pods[slot].addresses
        pods[slot].address = own.first ?? .zero
        pods[slot].otherAddress = own.dropFirst().first ?? .zero
        let holder = Holder(.pod, slot)
        for address in before where !own.contains(address) {
            ranges.remove(address)
            pods[slot].hasFormerAddress = true
            if book.end(address, holder, until: now.wall, at: now.monotonic) { note(address) }
        }
        for address in own {
            if !before.contains(address) { ranges.add(address) }
            if book.begin(address, holder, from: from, tie: pods[slot].uid.low) { note(address) }
        }
    }

    private mutating func register(static pod: Pod, _ slot: UInt32) {
        let uid = pod.staticUID.isEmpty ? nil : ObjectUID(pod.staticUID)
        if staticUIDs[slot] != uid {
            unregister(static: slot)
            note(pods[slot])
        }
        guard let uid else { return }
        staticPods[uid] = slot
        staticUIDs[slot] = uid
    }

    private mutating func unregister(static slot: UInt32) {
        if let uid = staticUIDs.removeValue(forKey: slot), staticPods[uid] == slot { staticPods[uid] = nil }
    }

    /// The pod is gone; it is remembered for the grace period.
    package mutating func deletePod(_ uid: ObjectUID, at now: Moment) {
        guard let slot = pods.slot(of: uid), !pods[slot].isGone else { return }
        let holder = Holder(.pod, slot)
        for address in pods[slot].addresses where book.end(address, holder, until: now.wall, at: now.monotonic) { note(address) }
        pods.end(slot, at: now.monotonic)
    }

    mutating func remove(pod slot: UInt32) {
        let record = pods[slot]
        note(record)
        for address in record.addresses { ranges.remove(address) }
        texts.release(record.namespace)
        texts.release(record.node)
        labelSets.release(record.labels)
        controllers.release(record.controller, &texts)
        hostSets.release(record.hosts)
        if record.asksNode { podsAskingNodes -= 1 }
        pods.remove(slot)
        unregister(static: slot)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import KubernetesClient
internal import WeirKit

/// A moment by both clocks: what answers name in seconds since 1970, and one that nobody sets.
package struct Moment: Sendable {
    package var wall: Double
    package var monotonic: Double

    package init(wall: Double, monotonic: Double) {
        self.wall = wall
        self.monotonic = monotonic
    }
}

/// Which objects to keep what of.
package struct KnowledgeOptions: Sendable {
    package var podLabels: [String] = []
    package var nodeLabels: [String] = []
    package var namespaceLabels: [String] = []
    /// Nodes whose sending an agent counts; nil for none.
    package var covered: LabelSelector? = LabelSelector()
    /// How long what is gone is remembered.
    package var grace: Duration = .seconds(120)

    package init() {}
}

/// Everything known of the cluster. Plain state: connections, clocks and locks are the caller's.
///
/// What one change costs: a pod's a few look-ups; that of a node, namespace or ReplicaSet which its pods show, one pass over the
/// pods, unless all is asked again anyway. Law: events of different kinds may come in any order, lists may be cut and read again;
/// the same objects lead to the same answers.
package struct ClusterKnowledge: Sendable {
    package let options: KnowledgeOptions
    var texts = Interner(none: "")
    var labelSets: Interner<[String?]> = Interner(none: [])
    /// The addresses of nodes, as their pods have them.
    var hostSets: Interner<[IPAddress]> = Interner(none: [])
    var book: AddressBook
    var pods = SlotTable<PodRecord>()
    var nodes = SlotTable<NodeRecord>()
    var services = SlotTable<ServiceRecord>()
    var namespaces = SlotTable<NamespaceRecord>()
    var controllers = Controllers()
    var ranges = ClusterRanges()
    /// The newest slot of each name.
    var nodeOfName: [UInt32: UInt32] = [:]
    var namespaceOfName: [UInt32: UInt32] = [:]
    /// Static pods by the uid that kubelet gives their cgroups.
    var staticPods: [ObjectUID: UInt32] = [:]
    /// The same the other way round.
    var staticUIDs: [UInt32: ObjectUID] = [:]
    /// Pods that show the first address of their node's object, since theirs has none: few, and only for moments.
    var podsAskingNodes = 0
    /// Set by the caller while the first lists are read: all is asked again at their end, so what changes for many is not looked up.
    package var isLearning = false
    /// What to ask again, until the caller takes it.
    private var changed = ChangedAddresses()

    package init(_ options: KnowledgeOptions = KnowledgeOptions()) {
        self.options = options
        book = AddressBook(grace: Double(options.grace.milliseconds) / 1000)
    }

    package mutating func takeChanged() -> ChangedAddresses {
        defer { changed = ChangedAddresses() }
        return changed
    }

    mutating func note(_ address: IPAddress) { changed.insert(address) }
    /// Whether it is of use to look for addresses to mark.
    var looks: Bool { !isLearning && !changed.all }

    /// Marks the addresses of all pods for which `condition` holds, those of their nodes where they have no others. A pass over the pods.
    mutating func notePods(where condition: (PodRecord) -> Bool) {
        guard looks else { return }
        var former = false
        for slot in pods.slots(where: condition) {
            note(pods[slot])
            former = former || pods[slot].hasFormerAddress
        }
        guard former else { return }
        var found: [IPAddress] = []
        book.formerAddresses(of: { $0.kind == .pod && pods.record($0.slot).map(condition) ?? false }) { found.append($0) }
        for address in found { note(address) }
    }

    /// Marks addresses that this one lost within the grace period.
    mutating func noteFormer(of holder: Holder) {
        guard looks else { return }
        var found: [IPAddress] = []
        book.formerAddresses(of: { $0 == holder }) { found.append($0) }
        for address in found { note(address) }
    }

    mutating func note(_ pod: PodRecord) {
        if pod.address != .zero { note(pod.address) }
        if pod.otherAddress != .zero { note(pod.otherAddress) }
        guard pod.isHostNetwork else { return }
        for address in hostSets[pod.hosts] { note(address) }
        // Servers before 1.29 say one of them alone.
        for address in node(named: pod.node)?.addresses ?? [] { note(address) }
    }

    /// Forgets what has been gone for the grace period.
    package mutating func forget(at now: Moment) {
        let before = now.monotonic - Double(options.grace.milliseconds) / 1000
        var freed: [IPAddress] = []
        book.forget(endedBefore: before) { freed.append($0) }
        for address in freed { note(address) }
        for slot in pods.takeGone(before: before) { remove(pod: slot) }
        for slot in nodes.takeGone(before: before) { remove(node: slot) }
        for slot in services.takeGone(before: before) { remove(service: slot) }
        for slot in namespaces.takeGone(before: before) { remove(namespace: slot) }
    }

    /// How much there is, for gauges.
    package var counts: (pods: Int, nodes: Int, services: Int, controllers: Int, addresses: Int, texts: Int) {
        (pods.count, nodes.count, services.count, controllers.listed, book.count, texts.count)
    }

    /// Whether nothing at all is kept.
    package var isEmpty: Bool {
        counts == (0, 0, 0, 0, 0, 0) && labelSets.count == 0 && hostSets.count == 0 && podsAskingNodes == 0 && nodeOfName.isEmpty
            && namespaceOfName.isEmpty && staticPods.isEmpty && staticUIDs.isEmpty && controllers.isEmpty && ranges.isEmpty
    }

    package var refusedAddresses: UInt64 { book.refused }

    // MARK: ReplicaSets and Jobs

    package enum ControllerKind: Sendable {
        case replicaSet, job

        var source: Controllers.Source { self == .replicaSet ? .replicaSets : .jobs }
    }

    package mutating func beginControllers(_ kind: ControllerKind) { controllers.beginList(kind.source) }

    package mutating func put(_ object: PartialObject, _ kind: ControllerKind) {
        if let number = controllers.put(object.meta, kind.source, &texts) { notePods { $0.controller == number } }
    }

    package mutating func deleteController(_ uid: ObjectUID) { controllers.delete(uid, &texts) }

    /// Those that the list, now at its end, did not name: to be deleted.
    package func endControllers(_ kind: ControllerKind) -> [ObjectUID] { controllers.unnamed(kind.source) }
}

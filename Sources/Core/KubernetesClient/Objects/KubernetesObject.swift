// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import PlainJSON

/// A kind of object of which this module keeps the fields that Weir needs.
package protocol KubernetesObject: Sendable {
    /// What names the object, and what all kinds have.
    var meta: ObjectMeta { get }

    /// Says which values are wanted of an object at `path`.
    static func want(_ tree: inout FieldTree, at path: [FieldTree.Step], labels: [String])

    /// The object of what was read; nil when it makes none.
    init?(_ meta: ObjectMeta, _ draft: ObjectDraft)
}

extension PartialObject {
    package static func want(_ tree: inout FieldTree, at path: [FieldTree.Step], labels: [String]) {
        ObjectDraft.want(&tree, at: path, labels: labels)
    }

    package init?(_ meta: ObjectMeta, _ draft: ObjectDraft) { self.meta = meta }
}

extension Pod {
    package static func want(_ tree: inout FieldTree, at path: [FieldTree.Step], labels: [String]) {
        ObjectDraft.want(&tree, at: path, labels: labels)
        tree.want(path + ["spec", "nodeName"], as: Field.nodeName)
        tree.want(path + ["spec", "hostNetwork"], as: Field.hostNetwork)
        tree.want(path + ["status", "phase"], as: Field.phase)
        tree.want(path + ["status", "hostIP"], as: Field.hostAddress)
        tree.want(path + ["status", "hostIPs", .each, "ip"], as: Field.hostAddresses)
        tree.want(path + ["status", "podIP"], as: Field.podAddress)
        tree.want(path + ["status", "podIPs", .each, "ip"], as: Field.podAddresses)
        tree.want(path + ["status", "startTime"], as: Field.start)
        tree.want(path + ["metadata", "annotations", "kubernetes.io/config.mirror"], as: Field.staticUID)
    }

    package init?(_ meta: ObjectMeta, _ draft: ObjectDraft) {
        self.meta = meta
        nodeName = draft.nodeName
        hostNetwork = draft.hostNetwork
        phase = Phase(rawValue: draft.phase) ?? .unknown
        addresses = draft.addresses.isEmpty ? draft.singleAddress.map { [$0] } ?? [] : draft.addresses
        hostAddresses = draft.otherAddresses.isEmpty ? draft.singleOtherAddress.map { [$0] } ?? [] : draft.otherAddresses
        start = draft.start
        staticUID = draft.staticUID
    }
}

extension Node {
    package static func want(_ tree: inout FieldTree, at path: [FieldTree.Step], labels: [String]) {
        ObjectDraft.want(&tree, at: path, labels: labels)
        tree.want(path + ["metadata", "creationTimestamp"], as: Field.creation)
        tree.want(path + ["spec", "podCIDR"], as: Field.podRange)
        tree.want(path + ["spec", "podCIDRs", .each], as: Field.podRanges)
        tree.want(path + ["spec", "providerID"], as: Field.providerID)
        tree.want(path + ["status", "addresses", .each, "type"], as: Field.nodeAddressKind)
        tree.want(path + ["status", "addresses", .each, "address"], as: Field.nodeAddress)
        tree.wantEnd(of: path + ["status", "addresses", .each], as: Field.nodeAddressEnd)
    }

    package init?(_ meta: ObjectMeta, _ draft: ObjectDraft) {
        self.meta = meta
        addresses = draft.nodeAddresses
        podRanges = draft.ranges.isEmpty ? draft.singleRange.map { [$0] } ?? [] : draft.ranges
        providerID = draft.providerID
        creation = draft.creation
    }
}

extension Service {
    package static func want(_ tree: inout FieldTree, at path: [FieldTree.Step], labels: [String]) {
        ObjectDraft.want(&tree, at: path, labels: labels)
        tree.want(path + ["metadata", "creationTimestamp"], as: Field.creation)
        tree.want(path + ["spec", "type"], as: Field.serviceKind)
        tree.want(path + ["spec", "clusterIP"], as: Field.clusterAddress)
        tree.want(path + ["spec", "clusterIPs", .each], as: Field.clusterAddresses)
        tree.want(path + ["spec", "externalIPs", .each], as: Field.externalAddress)
        tree.want(path + ["status", "loadBalancer", "ingress", .each, "ip"], as: Field.ingressAddress)
    }

    package init?(_ meta: ObjectMeta, _ draft: ObjectDraft) {
        self.meta = meta
        kind = Kind(rawValue: draft.serviceKind) ?? .clusterIP
        clusterAddresses = draft.addresses.isEmpty ? draft.singleAddress.map { [$0] } ?? [] : draft.addresses
        externalAddresses = draft.otherAddresses
        loadBalancerAddresses = draft.ingressAddresses
        creation = draft.creation
    }
}

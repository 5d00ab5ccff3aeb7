// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A resource that a fake API server has.
package struct FakeResource: Hashable, Sendable {
    package var group: String
    package var version: String
    package var plural: String
    package var kind: String

    package init(group: String = "", version: String = "v1", plural: String, kind: String) {
        self.group = group
        self.version = version
        self.plural = plural
        self.kind = kind
    }

    package static let pods = FakeResource(plural: "pods", kind: "Pod")
    package static let nodes = FakeResource(plural: "nodes", kind: "Node")
    package static let services = FakeResource(plural: "services", kind: "Service")
    package static let namespaces = FakeResource(plural: "namespaces", kind: "Namespace")
    package static let replicaSets = FakeResource(group: "apps", plural: "replicasets", kind: "ReplicaSet")
    package static let jobs = FakeResource(group: "batch", plural: "jobs", kind: "Job")
    /// What every cluster has.
    package static let builtIn: Set<FakeResource> = [.pods, .nodes, .services, .namespaces, .replicaSets, .jobs]

    package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// The resource of an object by its own words: `argoproj.io/v1alpha1`, `Rollout`.
    package init(apiVersion: String, kind: String) {
        let halves = apiVersion.split(separator: "/").map(String.init)
        self.init(
            group: halves.count > 1 ? halves[0] : "", version: halves.last ?? "v1",
            plural: kind.lowercased() + (kind.hasSuffix("s") ? "es" : "s"), kind: kind)
    }
}

/// An object as the fake server keeps it: its text is whole but for the version, which it gets when it is stored.
package struct FakeObject: Sendable {
    package var resource: FakeResource
    package var namespace: String
    package var name: String
    package var uid: String
    /// For selectors.
    package var labels: [String: String]
    package var nodeName: String
    /// The text in front of the version and behind it.
    private let before: [UInt8]
    private let after: [UInt8]
    package var version = 0

    /// The object of a `tree` with `apiVersion`, `kind` and `metadata.name`. A uid is made of the name if there is none.
    package init?(_ tree: JSONTree) {
        guard let kind = tree["kind"]?.text, let apiVersion = tree["apiVersion"]?.text, var meta = tree["metadata"], let name = meta["name"]?.text
        else {
            return nil
        }
        self.name = name
        namespace = meta["namespace"]?.text ?? ""
        resource = FakeResource(apiVersion: apiVersion, kind: kind)
        uid = meta["uid"]?.text ?? "uid-\(kind.lowercased())-\(namespace)-\(name)"
        labels = Dictionary((meta["labels"]?.members ?? []).map { ($0.name, $0.value.text ?? "") }) { $1 }
        nodeName = tree["spec"]?["nodeName"]?.text ?? ""
        meta["uid"] = .text(uid)
        meta["resourceVersion"] = .text(Self.mark)
        var whole = tree
        whole["metadata"] = meta
        let text = String(decoding: whole.bytes, as: UTF8.self)
        let halves = text.split(separator: Self.mark, maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        before = Array(halves[0].utf8)
        after = Array(halves[1].utf8)
    }

    /// One whose text is made elsewhere, for many: `text` has `mark` where the version goes.
    package init(
        _ resource: FakeResource, namespace: String, name: String, uid: String, labels: [String: String] = [:], nodeName: String = "",
        before: [UInt8], after: [UInt8]
    ) {
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.labels = labels
        self.nodeName = nodeName
        self.before = before
        self.after = after
    }

    /// Stands where the version goes.
    package static let mark = "@@resourceVersion@@"

    package var key: String { "\(namespace)/\(name)" }

    package func write(metadataOnly: Bool, to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes += before
        bytes += "\(version)".utf8
        bytes += after
        guard metadataOnly, let tree = try? JSONTreeReader.read(Array(bytes[start...])) else { return }
        bytes.removeSubrange(start...)
        JSONTree.object([
            "kind": .text("PartialObjectMetadata"), "apiVersion": .text("meta.k8s.io/v1"), "metadata": tree["metadata"] ?? .null,
        ]).write(to: &bytes)
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        write(metadataOnly: false, to: &bytes)
        return bytes
    }
}

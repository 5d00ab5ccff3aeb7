// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import KubernetesClient
internal import KubernetesEnricher

extension FuzzTarget {
    /// Files of objects: two of them behind each other say what each says; an object has a name, and a problem its place. What they tell
    /// of a cluster, however it contradicts itself, is gone without a trace when all objects are.
    static let kubernetesObjects = FuzzTarget(
        "kubernetes_objects",
        words: [
            "{\"kind\":\"List\",\"items\":[", "]}", "{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"u\",\"name\":\"n\"}",
            "{\"kind\":\"Node\",\"metadata\":",
            "{\"type\":\"ADDED\",\"time\":\"2026-01-02T03:04:05Z\",\"object\":", "{\"type\":\"DELETED\",\"object\":", "\"kind\":\"ReplicaSet\"",
            "\"kind\":\"Service\"", "\"kind\":\"Job\"", "\"kind\":\"Namespace\"", "\"metadata\":{\"name\":\"n\",\"uid\":\"u\"}",
            "\"status\":{\"podIPs\":[{\"ip\":\"10.0.0.4\"}]}", "\"time\":", ",", "}", "{", "[", "]", "\"", "\n", "null",
        ]
    ) { (bytes) throws(BrokenLaw) in
        let once: [RecordedObject]
        do throws(RecordedObjects.Problem) { once = try RecordedObjects.read(bytes, labels: ["app"]) } catch {
            return try require(!error.description.isEmpty, "a problem without a word")
        }
        let twice: [RecordedObject]
        do throws(RecordedObjects.Problem) { twice = try RecordedObjects.read(bytes + [UInt8(ascii: "\n")] + bytes, labels: ["app"]) } catch {
            throw BrokenLaw("a file is read, and is none when it is written twice: \(error)")
        }
        let (single, double) = (once.map { "\($0)" }, twice.map { "\($0)" })
        try require(double == single + single, "written twice it has \(double.count) objects, once \(single.count)")
        try FuzzTarget.checkKnowledge(of: twice)
    }

    private static func checkKnowledge(of objects: [RecordedObject]) throws(BrokenLaw) {
        var knowledge = ClusterKnowledge()
        for object in objects {
            let seconds = Double(object.time ?? 0) / 1e9
            let now = Moment(wall: seconds, monotonic: seconds)
            switch object.change {
            case .pod(let pod): knowledge.put(pod, at: now)
            case .node(let node): knowledge.put(node, at: now)
            case .service(let service): knowledge.put(service, at: now)
            case .namespace(let namespace): knowledge.put(namespace: namespace, at: now)
            case .replicaSet(let object): knowledge.put(object, .replicaSet)
            case .job(let object): knowledge.put(object, .job)
            case .delete(.nodes, let identity): knowledge.deleteNode(ObjectUID(identity.uid), at: now)
            case .delete(.services, let identity): knowledge.deleteService(ObjectUID(identity.uid), at: now)
            case .delete(_, let identity): knowledge.deletePod(ObjectUID(identity.uid), at: now)
            }
            if case .pod(let pod) = object.change {
                for address in pod.addresses { _ = knowledge.facts(of: address, pod: ObjectUID(pod.meta.uid), at: seconds) }
            }
            knowledge.forget(at: now)
        }
        let end = Moment(wall: 1e12, monotonic: 1e12)
        knowledge.beginPods()
        for uid in knowledge.endPods() { knowledge.deletePod(uid, at: end) }
        knowledge.beginNodes()
        for uid in knowledge.endNodes() { knowledge.deleteNode(uid, at: end) }
        knowledge.beginServices()
        for uid in knowledge.endServices() { knowledge.deleteService(uid, at: end) }
        knowledge.beginNamespaces()
        for uid in knowledge.endNamespaces() { knowledge.deleteNamespace(uid, at: end) }
        for kind in [ClusterKnowledge.ControllerKind.replicaSet, .job] {
            knowledge.beginControllers(kind)
            for uid in knowledge.endControllers(kind) { knowledge.deleteController(uid) }
        }
        knowledge.forget(at: Moment(wall: 2e12, monotonic: 2e12))
        try require(knowledge.isEmpty, "all objects are gone, and there remain \(knowledge.counts)")
    }

    /// Label selectors: blanks around it change nothing; one and the same twice looks at the same labels; a problem stands in the text.
    static let labelSelector = FuzzTarget(
        "label_selector",
        words: [
            "app", "=", "==", "!=", " in ", " notin ", "(a,b)", "(", ")", ",", "!", "example.com/", "topology.kubernetes.io/zone", " ", "-", "_",
        ],
        maxBytes: 256
    ) { (bytes) throws(BrokenLaw) in
        let text = String(decoding: bytes, as: UTF8.self)
        let selector: LabelSelector
        do throws(LabelSelector.Problem) { selector = try LabelSelector(text) } catch {
            return try require((0...text.utf8.count).contains(error.offset), "a problem at \(error.offset) of \(text.utf8.count) bytes")
        }
        try require(selector.keys.count <= 64 && Set(selector.keys).count == selector.keys.count, "too many labels, or one twice")
        try require(selector.matchesAll == selector.keys.isEmpty, "all match, and labels are looked at")
        try require((try? LabelSelector(" \t\(text) ")) == selector, "blanks around it change it")
        if !selector.matchesAll, selector.keys.count <= 8, let twice = try? LabelSelector("\(text),\(text)") {
            try require(twice.keys == selector.keys, "twice the same looks at \(twice.keys)")
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import KubernetesEnricher
import WeirKit
import WeirTesting

/// Makes clusters, and ways in which an API server may come to tell of them.
struct WorldMaker {
    var random: SplitMix64
    static let podLabel = "app.kubernetes.io/team"
    static let nodeLabel = "pool"
    static let namespaceLabel = "cost-center"

    static var options: KnowledgeOptions {
        get throws {
            var options = KnowledgeOptions()
            options.podLabels = [podLabel]
            options.nodeLabels = [nodeLabel]
            options.namespaceLabels = [namespaceLabel]
            options.covered = try LabelSelector("agent!=no")
            return options
        }
    }

    /// The addresses that pods, nodes and Services of all worlds have.
    static let podAddresses: [IPAddress] = (1...40).flatMap {
        [IPAddress(ipv4: 0x0a01_0000 + $0), IPAddress(high: 0xfd00_0000_0000_0001, low: UInt64($0))]
    }
    static let nodeAddresses: [[IPAddress]] = (1...6).map {
        [IPAddress(ipv4: 0x0a00_0000 + $0), IPAddress(high: 0xfd00_0000_0000_0000, low: UInt64($0))]
    }
    static let serviceAddresses: [IPAddress] = (1...6).map { IPAddress(ipv4: 0x0a60_0000 + $0) }
    static var addresses: [IPAddress] { podAddresses + nodeAddresses.joined() + serviceAddresses }

    private static func uid(_ kind: Int, _ number: Int) -> String {
        let digits = String(number, radix: 16)
        return "0000000\(kind)-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    private mutating func chance(_ one: Int, in many: Int) -> Bool { Int.random(in: 0..<many, using: &random) < one }

    /// `generation` keeps the uids of pods apart from those of other worlds, all but some.
    mutating func world(generation: Int) -> World {
        var world = World()
        for number in 1...6 where chance(5, in: 6) {
            var labels = Labels()
            if chance(1, in: 2) { labels[Self.nodeLabel] = ["spot", "big"].randomElement(using: &random) }
            if chance(1, in: 3) { labels["agent"] = ["no", "yes"].randomElement(using: &random) }
            var node = Node(ObjectMeta(uid: Self.uid(1, number + generation % 2 * 16), name: "node-\(number)", labels: labels))
            node.addresses = Self.nodeAddresses[number - 1].map { Node.Address(.internal, $0) }
            world.nodes[node.meta.uid] = node
        }
        for number in 1...3 where chance(3, in: 4) {
            let labels: Labels = chance(1, in: 2) ? [Self.namespaceLabel: "cc-\(Int.random(in: 1...2, using: &random))"] : [:]
            let namespace = PartialObject(ObjectMeta(uid: Self.uid(2, number), name: "ns-\(number)", labels: labels))
            world.namespaces[namespace.meta.uid] = namespace
        }
        for number in 1...8 where chance(4, in: 5) {
            let set = controller(Self.uid(3, number), "set-\(number)", above: [("apps/v1", "Deployment"), ("argoproj.io/v1alpha1", "Rollout")])
            world.replicaSets[set.meta.uid] = set
            let job = controller(Self.uid(4, number), "job-\(number)", above: [("batch/v1", "CronJob")])
            world.jobs[job.meta.uid] = job
        }
        for number in 1...6 where chance(2, in: 3) {
            var service = Service(ObjectMeta(uid: Self.uid(5, number), namespace: "ns-\(1 + number % 3)", name: "service-\(number)"))
            if chance(3, in: 4) {
                service.clusterAddresses = [Self.serviceAddresses[number - 1]]
            } else {
                service.loadBalancerAddresses = [Self.serviceAddresses[number - 1]]
            }
            world.services[service.meta.uid] = service
        }
        addPods(to: &world, generation)
        return world
    }

    private mutating func controller(_ uid: String, _ name: String, above: [(String, String)]) -> PartialObject {
        var meta = ObjectMeta(uid: uid, namespace: "ns-1", name: name)
        if chance(3, in: 4), let (version, kind) = above.randomElement(using: &random) {
            meta.controller = OwnerReference(apiVersion: version, kind: kind, name: "\(kind)-of-\(name)", uid: "above-\(uid)")
        }
        return PartialObject(meta)
    }

    private mutating func addPods(to world: inout World, _ generation: Int) {
        var free = Array(0..<40).shuffled(using: &random)
        for number in 1...30 where chance(3, in: 4) {
            let number = chance(1, in: 2) ? number : number + generation * 64
            var meta = ObjectMeta(uid: Self.uid(6, number), namespace: "ns-\(1 + number % 3)", name: "pod-\(number)")
            meta.controller = podController()
            if chance(1, in: 2) { meta.labels = [Self.podLabel: "team-\(Int.random(in: 1...4, using: &random))"] }
            var pod = Pod(meta)
            let node = Int.random(in: 1...6, using: &random)
            pod.phase = chance(1, in: 6) ? .succeeded : .running
            if chance(9, in: 10) {
                pod.nodeName = "node-\(node)"
                pod.hostAddresses = Self.nodeAddresses[node - 1]
            }
            if chance(1, in: 6) {
                pod.hostNetwork = true
                pod.addresses = pod.hostAddresses
                if chance(1, in: 2) { pod.staticUID = String(repeating: "a", count: 28) + String(format(number)) }
            } else if chance(9, in: 10), let place = free.popLast() {
                pod.addresses = [Self.podAddresses[2 * place], Self.podAddresses[2 * place + 1]]
            }
            pod.start = chance(1, in: 2) ? UInt64.random(in: 1...1_000_000_000_000, using: &random) : nil
            world.pods[pod.meta.uid] = pod
        }
    }

    private func format(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }

    private mutating func podController() -> OwnerReference? {
        let number = Int.random(in: 1...8, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1: return OwnerReference(apiVersion: "apps/v1", kind: "ReplicaSet", name: "set-\(number)", uid: Self.uid(3, number))
        case 2: return OwnerReference(apiVersion: "batch/v1", kind: "Job", name: "job-\(number)", uid: Self.uid(4, number))
        case 3: return OwnerReference(apiVersion: "apps/v1", kind: "DaemonSet", name: "daemon-\(number)", uid: "daemon-\(number)")
        case 4: return OwnerReference(apiVersion: "v1", kind: "Node", name: "node-1", uid: "node-1")
        default: return nil
        }
    }
}

extension World {
    /// With the controllers of `before` that its pods still name. Pods whose ReplicaSet is gone are about to go as well; until they do
    /// their owner stays the one that was known, if it was, so what they show depends on the past.
    func keepingControllers(of before: World) -> World {
        var world = self
        for uid in pods.values.compactMap(\.meta.controller?.uid) {
            if world.replicaSets[uid] == nil { world.replicaSets[uid] = before.replicaSets[uid] }
            if world.jobs[uid] == nil { world.jobs[uid] = before.jobs[uid] }
        }
        return world
    }
}

extension WorldMaker {
    /// A way from nothing through `first` to `last` for each kind, woven together at random.
    mutating func tale(_ first: World, _ last: World) -> [Told] {
        var streams = Told.Kind.allCases.map { kind in stream(kind, objects(kind, of: first), objects(kind, of: last)) }
        var tale: [Told] = []
        while true {
            let open = streams.indices.filter { !streams[$0].isEmpty }
            guard let index = open.randomElement(using: &random) else { return tale }
            tale.append(streams[index].removeFirst())
        }
    }

    private func objects(_ kind: Told.Kind, of world: World) -> [String: Told] {
        switch kind {
        case .pod: world.pods.mapValues { .pod($0) }
        case .node: world.nodes.mapValues { .node($0) }
        case .service: world.services.mapValues { .service($0) }
        case .namespace: world.namespaces.mapValues { .namespace($0) }
        case .replicaSet: world.replicaSets.mapValues { .replicaSet($0) }
        case .job: world.jobs.mapValues { .job($0) }
        }
    }

    /// Lists that are cut, watched changes, a version that is too old and a list again: as a server may tell it.
    private mutating func stream(_ kind: Told.Kind, _ first: [String: Told], _ last: [String: Told]) -> [Told] {
        var told: [Told] = []
        var known: [String: Told] = first
        func sorted(_ objects: [String: Told]) -> [(key: String, value: Told)] { objects.sorted { $0.key < $1.key } }
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            told.append(.begin(kind))
            told += sorted(first).map(\.value).prefix(Int.random(in: 0...first.count, using: &random))
        }
        told += [.begin(kind)] + sorted(first).map(\.value) + [.end(kind)]
        // Some changes are watched, in any order.
        for (uid, object) in sorted(last).shuffled(using: &random) where chance(1, in: 2) {
            told.append(object)
            known[uid] = object
        }
        for (uid, _) in sorted(first).shuffled(using: &random) where last[uid] == nil && chance(1, in: 2) {
            told.append(.delete(kind, uid))
            if chance(1, in: 4) { told.append(.delete(kind, uid)) }
            known[uid] = nil
        }
        if chance(1, in: 2) {
            // 410: the rest is told by a new list, the first attempt cut.
            told.append(.begin(kind))
            told += sorted(last).map(\.value).prefix(Int.random(in: 0...last.count, using: &random))
            told += [.begin(kind)] + sorted(last).map(\.value).shuffled(using: &random) + [.end(kind)]
        } else {
            let gone = sorted(known).filter { last[$0.key] == nil }.map { Told.delete(kind, $0.key) }
            told += (gone + sorted(last).map(\.value)).shuffled(using: &random)
        }
        return told
    }

    /// Everything goes, by deletes and by empty lists.
    mutating func end(_ last: World) -> [Told] {
        Told.Kind.allCases.flatMap { kind -> [Told] in
            let objects = objects(kind, of: last).keys.sorted()
            return objects.filter { _ in chance(1, in: 2) }.map { .delete(kind, $0) } + [.begin(kind), .end(kind)]
        }
    }
}

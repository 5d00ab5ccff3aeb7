// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import KubernetesEnricher
import Testing
import WeirKit
import WeirTesting

/// Objects that contradict each other: names and static uids change under a uid, kinds share uids, many have one address, and much
/// happens at one moment, since all events of a piece of a watch do.
private struct Storm {
    var random: SplitMix64
    static let uids = (1...4).map { "00000000-0000-4000-8000-00000000000\($0)" }
    static let names = ["a", "b", "c"]
    static let addresses = (1...4).map { IPAddress(ipv4: 0x0a01_0000 + $0) } + [IPAddress(high: 0x2001_0db8 << 32, low: 7)]

    private mutating func one<Value>(of values: [Value]) -> Value { values[random.below(values.count)] }
    private mutating func some<Value>(of values: [Value]) -> [Value] { values.filter { _ in random.below(3) == 0 } }

    private mutating func meta() -> ObjectMeta {
        var meta = ObjectMeta(uid: one(of: Self.uids), namespace: one(of: Self.names), name: one(of: Self.names))
        for label in [WorldMaker.podLabel, WorldMaker.nodeLabel, WorldMaker.namespaceLabel, "agent"] where random.below(2) == 0 {
            meta.labels[label] = one(of: ["no", "yes"])
        }
        guard random.below(2) == 0 else { return meta }
        let kinds = [("apps/v1", "ReplicaSet"), ("batch/v1", "Job"), ("apps/v1", "DaemonSet"), ("", "")]
        let (version, kind) = one(of: kinds)
        meta.controller = OwnerReference(apiVersion: version, kind: kind, name: one(of: Self.names), uid: one(of: Self.uids))
        return meta
    }

    private mutating func pod() -> Pod {
        var pod = Pod(meta())
        pod.nodeName = one(of: ["", "a", "b"])
        pod.hostNetwork = random.below(4) == 0
        pod.phase = one(of: [.running, .running, .succeeded])
        pod.addresses = some(of: Self.addresses)
        pod.hostAddresses = some(of: Self.addresses)
        if random.below(3) == 0 { pod.staticUID = one(of: Self.uids + ["static"]) }
        if random.below(3) == 0 { pod.start = UInt64(random.below(3000)) * 1_000_000_000 }
        return pod
    }

    mutating func next() -> Told {
        let kind = one(of: Told.Kind.allCases)
        switch random.below(12) {
        case 0: return .begin(kind)
        case 1: return .end(kind)
        case 2..<6: return .delete(kind, one(of: Self.uids))
        default: break
        }
        switch kind {
        case .pod: return .pod(pod())
        case .node:
            var node = Node(meta())
            node.addresses = some(of: Self.addresses).map { Node.Address(.internal, $0) }
            node.podRanges = some(of: Self.addresses).compactMap { CIDR($0, prefixLength: 24) }
            return .node(node)
        case .service:
            var service = Service(meta())
            service.clusterAddresses = some(of: Self.addresses)
            return .service(service)
        case .namespace: return .namespace(PartialObject(meta()))
        case .replicaSet: return .replicaSet(PartialObject(meta()))
        case .job: return .job(PartialObject(meta()))
        }
    }
}

@Suite("what is known of a cluster that contradicts itself")
struct KnowledgeStormTests {
    @Test("whatever is told, much of it at one moment: all can be asked at any time, and nothing is left behind", arguments: 0..<200)
    func storm(_ round: Int) throws {
        let seed = SplitMix64.freshSeed &+ UInt64(round)
        var storm = Storm(random: SplitMix64(seed: seed))
        var knowledge = ClusterKnowledge(try WorldMaker.options)
        var time = 2000.0
        for _ in 0..<300 {
            knowledge.tell(storm.next(), at: Moment(wall: time, monotonic: time))
            switch storm.random.below(10) {
            case 0: time += 0.5
            case 1: time += 121
            default: break
            }
            if storm.random.below(3) == 0 { knowledge.forget(at: Moment(wall: time, monotonic: time)) }
            for address in Storm.addresses {
                for pod in [nil] + Storm.uids.map({ ObjectUID($0) }) + [ObjectUID("static")] {
                    _ = knowledge.facts(of: address, pod: pod, at: time - Double(storm.random.below(3)))
                }
            }
        }
        for told in Told.Kind.allCases.flatMap({ [Told.begin($0), .end($0)] }) { knowledge.tell(told, at: Moment(wall: time, monotonic: time)) }
        time += 1000
        knowledge.forget(at: Moment(wall: time, monotonic: time))
        #expect(knowledge.isEmpty, "left behind: \(knowledge.counts), WEIR_SEED=\(seed)")
    }

    @Test("an object that goes, comes and goes within one moment is forgotten once")
    func oneMoment() throws {
        var knowledge = ClusterKnowledge(try WorldMaker.options)
        let meta = ObjectMeta(uid: "u", namespace: "shop", name: "web")
        var pod = Pod(meta)
        pod.addresses = [IPAddress(ipv4: 0x0a01_0007)]
        var service = Service(meta)
        service.clusterAddresses = pod.addresses
        let tale: [(Told.Kind, Told)] = [
            (.pod, .pod(pod)), (.node, .node(Node(meta))), (.service, .service(service)), (.namespace, .namespace(PartialObject(meta))),
        ]
        let now = Moment(wall: 2000, monotonic: 10)
        for (kind, told) in tale { for told in [told, .delete(kind, "u"), told, .delete(kind, "u")] { knowledge.tell(told, at: now) } }
        knowledge.forget(at: Moment(wall: 3000, monotonic: 1010))
        #expect(knowledge.isEmpty)
    }

    @Test("an address of two nodes, or of two Services, of the first list is the younger's", arguments: [true, false])
    func younger(_ isReversed: Bool) throws {
        var knowledge = ClusterKnowledge(try WorldMaker.options)
        let (first, second) = (IPAddress(ipv4: 0x0a00_0001), IPAddress(ipv4: 0x0a60_0001))
        var told: [Told] = []
        for (name, day) in [("old", UInt64(1)), ("young", 2)] {
            var node = Node(ObjectMeta(uid: "node-\(name)", name: name))
            node.addresses = [Node.Address(.internal, first)]
            node.creation = day * 86_400_000_000_000
            var service = Service(ObjectMeta(uid: "service-\(name)", namespace: "shop", name: name))
            service.externalAddresses = [second]
            service.creation = node.creation
            told += [.node(node), .service(service)]
        }
        for told in isReversed ? told.reversed() : told { knowledge.tell(told, at: Moment(wall: 1e6, monotonic: 1)) }
        #expect(knowledge.facts(of: first, pod: nil, at: 1e6)?.name == "young")
        #expect(knowledge.facts(of: second, pod: nil, at: 1e6)?.name == "young")
    }

    @Test("moments that come out of order cost an answer at the most")
    func outOfOrder() throws {
        var knowledge = ClusterKnowledge(try WorldMaker.options)
        var pod = Pod(ObjectMeta(uid: "p", namespace: "shop", name: "web"))
        pod.addresses = [IPAddress(ipv4: 0x0a01_0007)]
        var node = Node(ObjectMeta(uid: "n", name: "node"))
        let address = IPAddress(ipv4: 0x0a00_0001)
        node.addresses = [Node.Address(.internal, address)]
        for told in [Told.pod(pod), .node(node)] { knowledge.tell(told, at: Moment(wall: 2000, monotonic: 1)) }
        knowledge.tell(.delete(.pod, "p"), at: Moment(wall: 2010, monotonic: 10))
        knowledge.tell(.delete(.node, "n"), at: Moment(wall: 2009, monotonic: 9))
        knowledge.forget(at: Moment(wall: 2129.5, monotonic: 129.5))
        #expect(knowledge.facts(of: address, pod: nil, at: 2009.5) == nil)
        knowledge.forget(at: Moment(wall: 3000, monotonic: 1000))
        #expect(knowledge.isEmpty)
    }
}

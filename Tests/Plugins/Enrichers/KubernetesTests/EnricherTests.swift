// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import FakeKubernetes
import KubernetesClient
import KubernetesEnricher
import Logging
import ScriptedServer
import Synchronization
import Testing
import WeirKit
import WeirTesting

/// An enricher that learns from a fake API server.
final class Learner: Sendable {
    let enricher: KubernetesEnricher
    let metrics = MetricRegistry()
    let resource = ResourceFacts()
    private let told: SharedList
    private let task: Mutex<Task<Void, any Error>?>

    init(_ yaml: String = "", at url: String, for attributes: Set<Attribute>? = nil, patience: Duration = .seconds(300)) {
        let told = SharedList()
        self.told = told
        var timing = KubernetesEnricher.Timing()
        timing.patience = patience
        timing.settle = .milliseconds(300)
        timing.beat = .milliseconds(20)
        timing.clusterPause = .milliseconds(20)
        timing.reflector.firstPause = .milliseconds(20)
        timing.reflector.longestPause = .milliseconds(100)
        let context = PluginContext(
            instance: "kubernetes", log: Logger(label: "test"), metrics: metrics, routes: HTTPRoutes(), hostName: "node-1",
            wallClock: Self.wallClock, resource: resource, invalidate: { selection in told.list.withLock { $0.append(selection) } })
        let enricher = KubernetesEnricher(KubernetesOptions.reading(yaml).options, context, timing: timing)
        self.enricher = enricher
        task = Mutex(Task { try await enricher.learn(from: KubernetesAPI(KubernetesAccess(server: url)), for: attributes ?? enricher.writes) })
    }

    deinit { task.withLock { $0?.cancel() } }

    private static let start = ContinuousClock.now
    private static let wallClock: @Sendable () -> UInt64 = { 2_000_000_000_000_000_000 + UInt64(max((ContinuousClock.now - start).nanoseconds, 0)) }

    static var now: Double { Double(wallClock()) / 1e9 }

    func ask(_ address: String, pod: String? = nil, at time: Double = Learner.now) -> [Attribute: Answer] {
        let before: [any EndpointEnricher] = pod.map { [FixedAnswers([.endpoint("k8s.pod.uid"): $0])] } ?? []
        return Questions.ask(before + [enricher], [.init(address)], at: time)[0]
    }

    func name(_ address: String, pod: String? = nil) -> String { text(.endpoint("k8s.name"), address, pod: pod) }

    func text(_ attribute: Attribute, _ address: String, pod: String? = nil) -> String {
        switch ask(address, pod: pod)[attribute] {
        case .text(let text): text
        case .pending: "pending"
        default: "absent"
        }
    }

    func takeTold() -> [EndpointSelection] {
        told.list.withLock { told in
            defer { told = [] }
            return told
        }
    }

    /// Whether `condition` came to hold within the time that a machine may be busy with other tests.
    func waits(within time: Duration = .seconds(120), for condition: () -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + time
        while !condition() {
            if ContinuousClock.now > end { return false }
            try await Task.sleep(for: .milliseconds(5))
        }
        return true
    }

    func gauge(_ name: String) -> UInt64 { metrics.read().first { $0.name == name }?.cells.first?.cell.current ?? 0 }

    /// Objects of the resource that were deleted by a list or a watch.
    func deletes(_ resource: String) -> UInt64 {
        let cells = metrics.read().first { $0.name == "weir_kubernetes_events_total" }?.cells ?? []
        return cells.first { Set($0.labels.map(\.value)).isSuperset(of: [resource, "delete"]) }?.cell.current ?? 0
    }
}

/// A list that a closure and its owner share.
private final class SharedList: Sendable {
    let list = Mutex<[EndpointSelection]>([])
}

extension FakeCluster {
    /// An object as YAML's flow style would have it, in JSON.
    fileprivate mutating func put(_ json: String) {
        guard let tree = try? JSONTreeReader.read(json), let object = FakeObject(tree) else { preconditionFailure("no object: \(json)") }
        put(object)
    }

    fileprivate mutating func putPod(
        _ name: String, uid: String, at address: String, owner: String = "", hostNetwork: Bool = false, phase: String = "Running"
    ) {
        let owners =
            owner.isEmpty
            ? "" : #","ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"\#(owner)","uid":"\#(owner)","controller":true}]"#
        put(
            #"""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"\#(name)","namespace":"shop","uid":"\#(uid)"\#(owners)},
             "spec":{"nodeName":"node-1","hostNetwork":\#(hostNetwork)},
             "status":{"phase":"\#(phase)","hostIP":"10.0.0.1","podIP":"\#(address)","podIPs":[{"ip":"\#(address)"}]}}
            """#)
    }

    fileprivate mutating func putNode(_ name: String, at address: String, labels: String = "") {
        put(
            #"{"apiVersion":"v1","kind":"Node","metadata":{"name":"\#(name)","uid":"\#(name)","labels":{\#(labels)}},"status":{"addresses":[{"type":"InternalIP","address":"\#(address)"}]}}"#
        )
    }

    fileprivate mutating func putSet(_ name: String, of deployment: String) {
        put(
            #"""
            {"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"\#(name)","namespace":"shop","uid":"\#(name)",
             "ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"\#(deployment)","uid":"d","controller":true}]}}
            """#)
    }
}

@Suite("kubernetes: answers while it learns")
struct EnricherTests {
    private static func server(_ fill: (inout FakeCluster) -> Void = { _ in }) throws -> FakeKubernetes {
        var api = FakeAPI()
        api.cluster.put(#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-system","uid":"0123-cluster"}}"#)
        api.cluster.putNode("node-1", at: "10.0.0.1")
        fill(&api.cluster)
        return try FakeKubernetes(api)
    }

    private func isAll(_ told: [EndpointSelection]) -> Bool { told.contains(.all) }

    @Test("everything is pending until the first lists are there, then all is asked again")
    func firstLists() async throws {
        let server = try Self.server { $0.putPod("web-1", uid: "u1", at: "10.1.0.7") }
        server.change { $0.faults.append(FakeFault(.slow(bytes: 200, everyMilliseconds: 100), on: .list, of: "pods")) }
        let learner = Learner(at: server.url)
        #expect(try await learner.waits { learner.name("10.1.0.7") == "pending" })
        #expect(learner.name("192.0.2.1") == "pending", "an external address may be a Service's")
        #expect(try await learner.waits { self.isAll(learner.takeTold()) })
        #expect(learner.name("10.1.0.7") == "web-1")
        #expect(learner.name("192.0.2.1") == "absent")
        #expect(learner.text(.covered, "10.1.0.7") == "true" && learner.text(.endpoint("k8s.node.ip"), "10.1.0.7") == "10.0.0.1")
        #expect(try await learner.waits { learner.gauge("weir_kubernetes_synced") == 1 })
    }

    @Test("without an API server flows wait for the patience and no longer; when it comes, all is asked again")
    func lateServer() async throws {
        let server = try Self.server { $0.putPod("web-1", uid: "u1", at: "10.1.0.7") }
        let port = server.port
        server.stop()
        let learner = Learner(at: "http://127.0.0.1:\(port)", patience: .milliseconds(300))
        #expect(try await learner.waits { learner.name("10.1.0.7") == "pending" })
        #expect(try await learner.waits { self.isAll(learner.takeTold()) })
        #expect(learner.name("10.1.0.7") == "absent")
        var api = FakeAPI()
        server.change { api = $0 }
        let again = try FakeKubernetes(api, port: port)
        #expect(try await learner.waits { learner.name("10.1.0.7") == "web-1" })
        #expect(try await learner.waits { self.isAll(learner.takeTold()) })
        again.stop()
        try await Task.sleep(for: .milliseconds(100))
        #expect(learner.name("10.1.0.7") == "web-1", "the last good knowledge stays")
    }

    @Test("an unknown address in the cluster is waited for once, and named when its pod is told of; a public one is not waited for")
    func newborn() async throws {
        let server = try Self.server()
        let learner = Learner(at: server.url)
        #expect(try await learner.waits { learner.gauge("weir_kubernetes_synced") == 1 && learner.name("10.1.0.7") == "pending" })
        #expect(learner.name("192.0.2.1") == "absent")
        _ = learner.takeTold()
        server.change { $0.cluster.putPod("web-1", uid: "u1", at: "10.1.0.7") }
        let seven = try #require(IPAddress("10.1.0.7"))
        #expect(try await learner.waits { learner.takeTold().contains(.address(seven)) })
        #expect(try await learner.waits { learner.name("10.1.0.7") == "web-1" })

        #expect(learner.name("10.1.0.8") == "pending")
        let eight = try #require(IPAddress("10.1.0.8"))
        #expect(try await learner.waits { learner.takeTold().contains(.address(eight)) }, "waited in vain")
        #expect(learner.name("10.1.0.8") == "absent")
        server.change { $0.cluster.putPod("web-2", uid: "u2", at: "10.1.0.8") }
        #expect(try await learner.waits { learner.name("10.1.0.8") == "web-2" })
        #expect(try await learner.waits { learner.takeTold().contains(.address(eight)) })
    }

    @Test("an address goes from a completed pod to the next within moments")
    func usedAgain() async throws {
        let server = try Self.server { $0.putPod("one", uid: "u1", at: "10.1.0.7") }
        let learner = Learner(at: server.url)
        #expect(try await learner.waits { learner.name("10.1.0.7") == "one" })
        server.change { api in
            api.cluster.putPod("one", uid: "u1", at: "10.1.0.7", phase: "Succeeded")
            api.cluster.putPod("two", uid: "u2", at: "10.1.0.7")
        }
        #expect(try await learner.waits { learner.name("10.1.0.7") == "two" })
        server.change { _ = $0.cluster.delete(.pods, namespace: "shop", name: "two") }
        #expect(try await learner.waits { learner.deletes("pods") == 1 })
        #expect(try await learner.waits { learner.gauge("weir_kubernetes_objects") == 1 }, "one is completed, two is gone")
        #expect(learner.name("10.1.0.7") == "two", "for the grace period")
    }

    @Test("who got an address within the window that is asked about is handed on, though the window's end is answered with who had it")
    func newsBehindTheWindow() async throws {
        let server = try Self.server { $0.putPod("one", uid: "u1", at: "10.1.0.7") }
        let learner = Learner(at: server.url)
        #expect(try await learner.waits { learner.gauge("weir_kubernetes_synced") == 1 })
        // The drain begins, and is long.
        let window = Learner.now
        server.change { api in
            _ = api.cluster.delete(.pods, namespace: "shop", name: "one")
            api.cluster.putPod("two", uid: "u2", at: "10.1.0.7")
        }
        let seven = try #require(IPAddress("10.1.0.7"))
        #expect(try await learner.waits { learner.name("10.1.0.7") == "two" })
        // The batch takes what was handed on, and only then asks.
        #expect(try await learner.waits { learner.takeTold().contains(.address(seven)) })
        for _ in 0..<2 {
            #expect(learner.ask("10.1.0.7", at: window)[.endpoint("k8s.name")] == .text("one"))
            #expect(try await learner.waits(within: .seconds(20)) { learner.takeTold().contains(.address(seven)) })
        }
        #expect(learner.name("10.1.0.7") == "two")
    }

    @Test("a socket of a pod that the API does not know is not another pod that had its address")
    func strangerAtAnAddress() async throws {
        let server = try Self.server { $0.putPod("one", uid: "6f1b1c8e-3f0d-4a4e-9d57-0a8f5a5e3c11", at: "10.1.0.7") }
        let learner = Learner(at: server.url)
        #expect(try await learner.waits { learner.gauge("weir_kubernetes_synced") == 1 && learner.name("10.1.0.7") == "one" })
        let unknown = "6f1b1c8e-3f0d-4a4e-9d57-000000000000"
        #expect(learner.name("10.1.0.7", pod: unknown) == "pending")
        #expect(learner.text(.endpoint("k8s.node.name"), "10.1.0.7", pod: unknown) == "pending")
        #expect(try await learner.waits(within: .seconds(20)) { learner.name("10.1.0.7", pod: unknown) == "absent" })
        #expect(learner.text(.endpoint("k8s.node.name"), "10.1.0.7", pod: unknown) == "absent")
        #expect(learner.name("10.1.0.7") == "one")
    }

    @Test("an owner that nobody asks for is not waited for")
    func ownersNobodyAsksFor() async throws {
        let server = try Self.server { $0.putPod("web-1", uid: "u1", at: "10.1.0.7", owner: "web-5f") }
        let namespace = Attribute.endpoint("k8s.namespace")
        let learner = Learner("cluster_name: c", at: server.url, for: [namespace])
        #expect(try await learner.waits { learner.gauge("weir_kubernetes_synced") == 1 && learner.name("10.1.0.8") == "pending" })
        // Behind the first lists nothing is told but waits that end.
        let (seven, eight, nine) = (IPAddress("10.1.0.7"), IPAddress("10.1.0.8"), IPAddress("10.1.0.9"))
        #expect(try await learner.waits { learner.takeTold().contains(.address(eight ?? .zero)) })
        var batch = EndpointBatch(columns: [namespace])
        batch.append(try #require(seven), owner: 0, isLocal: false)
        learner.enricher.enrich(&batch)
        #expect(batch[namespace, 0] == "shop")
        // Waits end in the order in which they began.
        #expect(learner.name("10.1.0.9") == "pending")
        var told: [EndpointSelection] = []
        #expect(
            try await learner.waits {
                told += learner.takeTold()
                return told.contains(.address(nine ?? .zero))
            })
        #expect(!told.contains(.address(seven ?? .zero)))
        #expect(learner.text(.ownerName, "10.1.0.7") == "pending", "asked for, it is waited for")
    }

    @Test("a server that only refuses says nothing: the age of what is known grows; a resource that was never allowed has no age")
    func age() async throws {
        let server = try Self.server { $0.putPod("web-1", uid: "u1", at: "10.1.0.7") }
        let forever = 1_000_000
        server.change { api in
            api.faults = [FakeFault(.status(403), of: "jobs", times: forever), FakeFault(.status(404), of: "replicasets", times: forever)]
        }
        let learner = Learner(at: server.url)
        let age = "weir_kubernetes_knowledge_age_seconds"
        // Before it has learnt anything the age is 0 too.
        #expect(try await learner.waits { learner.name("10.1.0.7") == "web-1" })
        let begin = ContinuousClock.now
        #expect(
            try await learner.waits(within: .seconds(20)) { ContinuousClock.now - begin > .seconds(4) && learner.gauge(age) <= 2 },
            "bookmarks come every second")
        server.change { $0.faults.append(FakeFault(.status(503), times: forever)) }
        server.cutWatches()
        #expect(try await learner.waits(within: .seconds(20)) { learner.gauge(age) >= 4 })
        #expect(learner.name("10.1.0.7") == "web-1")
    }

    @Test("an owner that the API has yet to tell of is pending, then the one above, or in the end the ReplicaSet")
    func owners() async throws {
        let server = try Self.server { cluster in
            cluster.putPod("web-1", uid: "u1", at: "10.1.0.7", owner: "web-5f")
            cluster.putPod("odd-1", uid: "u2", at: "10.1.0.8", owner: "odd-5f")
        }
        let learner = Learner(at: server.url)
        #expect(try await learner.waits { learner.gauge("weir_kubernetes_synced") == 1 && learner.text(.ownerName, "10.1.0.7") == "pending" })
        #expect(learner.name("10.1.0.7") == "web-1", "only the owner waits")
        server.change { $0.cluster.putSet("web-5f", of: "web") }
        #expect(try await learner.waits { learner.text(.ownerName, "10.1.0.7") == "web" })
        #expect(learner.text(.ownerType, "10.1.0.7") == "Deployment")
        #expect(try await learner.waits { learner.text(.ownerName, "10.1.0.8") == "odd-5f" })
        #expect(learner.text(.ownerType, "10.1.0.8") == "ReplicaSet")
    }

    @Test("a pod in its node's network is told by the uid that its cgroup has, and else it is the node")
    func hostNetwork() async throws {
        let uid = "6f1b1c8e-3f0d-4a4e-9d57-0a8f5a5e3c11"
        let server = try Self.server { $0.putPod("proxy-1", uid: uid, at: "10.0.0.1", hostNetwork: true) }
        let learner = Learner(at: server.url)
        #expect(try await learner.waits { learner.name("10.0.0.1") == "node-1" })
        #expect(try await learner.waits { learner.name("10.0.0.1", pod: uid) == "proxy-1" })
        let unknown = "6f1b1c8e-3f0d-4a4e-9d57-000000000000"
        #expect(learner.name("10.0.0.1", pod: unknown) == "pending")
        #expect(learner.text(.endpoint("k8s.node.name"), "10.0.0.1", pod: unknown) == "node-1", "where it is, is known")
        #expect(try await learner.waits { learner.name("10.0.0.1", pod: unknown) == "absent" })
    }

    @Test("a list that is too old, one that is cut and watches that break leave the knowledge as it should be, and nothing is forgotten on the way")
    func rough() async throws {
        let server = try Self.server { cluster in for number in 1...50 { cluster.putPod("pod-\(number)", uid: "u\(number)", at: "10.1.0.\(number)") }
        }
        let learner = Learner(at: server.url)
        #expect(try await learner.waits { learner.gauge("weir_kubernetes_synced") == 1 })
        for round in 1...10 {
            server.change { api in
                _ = api.cluster.delete(.pods, namespace: "shop", name: "pod-\(round)")
                api.cluster.putPod("new-\(round)", uid: "n\(round)", at: "10.1.1.\(round)")
                if round.isMultiple(of: 2) { api.cluster.compact() }
                if round.isMultiple(of: 3) { api.faults.append(FakeFault(.cut(afterBytes: 700), on: .list, of: "pods")) }
            }
            server.cutWatches()
            for number in 11...50 { #expect(learner.name("10.1.0.\(number)") == "pod-\(number)") }
            #expect(try await learner.waits { learner.name("10.1.1.\(round)") == "new-\(round)" })
        }
        #expect(try await learner.waits { learner.gauge("weir_kubernetes_objects") == 50 })
    }

    @Test("only what is asked for is listed")
    func lists() async throws {
        func paths(_ attributes: Set<Attribute>?, _ yaml: String = "") async throws -> Set<String> {
            let server = try Self.server()
            let learner = Learner(yaml, at: server.url, for: attributes)
            #expect(try await learner.waits { learner.gauge("weir_kubernetes_synced") == 1 })
            return Set(server.requests.map { String($0.target.prefix { $0 != "?" }) })
        }
        let node: Set<String> = ["/api/v1/pods", "/api/v1/nodes"]
        #expect(try await paths([.endpoint("k8s.node.name")], "cluster_name: c") == node)
        #expect(try await paths([.name], "cluster_name: c") == node.union(["/api/v1/services"]))
        #expect(
            try await paths([.ownerName], "cluster_name: c") == node.union(["/api/v1/services", "/apis/apps/v1/replicasets", "/apis/batch/v1/jobs"]))
        #expect(try await paths([.endpoint("team")], "{ cluster_name: c, namespace_labels: { team: team } }") == node.union(["/api/v1/namespaces"]))
    }

    @Test("the cluster is called as configured, else as its nodes say, else by the uid of kube-system")
    func clusterName() async throws {
        let server = try Self.server()
        let byUID = Learner(at: server.url)
        #expect(try await byUID.waits { byUID.resource.read()["k8s.cluster.name"] == "0123-cluster" })
        server.change { $0.cluster.putNode("node-2", at: "10.0.0.2", labels: #""alpha.eksctl.io/cluster-name":"blue""#) }
        let byLabel = Learner(at: server.url)
        #expect(try await byLabel.waits { byLabel.resource.read()["k8s.cluster.name"] == "blue" })
        #expect(byUID.resource.read()["k8s.cluster.name"] == "0123-cluster", "a name that was found stays")
        let configured = Learner("cluster_name: green", at: server.url)
        #expect(configured.resource.read()["k8s.cluster.name"] == "green")
    }

    @Test("a label of nodes that come late names the cluster all the same: what an agent calls it does not depend on when it began")
    func clusterNameOfLateNodes() async throws {
        let server = try Self.server { $0.putNode("node-2", at: "10.0.0.2", labels: #""alpha.eksctl.io/cluster-name":"blue""#) }
        server.change { $0.faults = [FakeFault(.status(503), of: "nodes", times: 20)] }
        let late = Learner(at: server.url, patience: .milliseconds(1))
        #expect(try await late.waits { late.resource.read()["k8s.cluster.name"] != nil })
        #expect(late.resource.read()["k8s.cluster.name"] == "blue")
        #expect(server.change { $0.faults }.isEmpty)
    }

    @Test("where nodes may not be read the cluster is called by the uid of kube-system", arguments: [403, 404])
    func clusterNameWithoutNodes(_ status: Int) async throws {
        let server = try Self.server { $0.putNode("node-2", at: "10.0.0.2", labels: #""alpha.eksctl.io/cluster-name":"blue""#) }
        server.change { $0.faults = [FakeFault(.status(status), of: "nodes", times: 1_000_000)] }
        let learner = Learner(at: server.url)
        #expect(try await learner.waits { learner.resource.read()["k8s.cluster.name"] == "0123-cluster" })
    }

    @Test("keeps to what every enricher must")
    func promises() async throws {
        let server = try Self.server { $0.putPod("web-1", uid: "u1", at: "10.1.0.7") }
        let learner = Learner(at: server.url)
        #expect(try await learner.waits { learner.name("10.1.0.7") == "web-1" })
        #expect(Questions.brokenPromises(of: learner.enricher, with: [.init("10.1.0.7"), .init("10.0.0.1"), .init("192.0.2.1")]) == [])
    }

    @Test("before it runs it waits for nobody")
    func offline() {
        let enricher = KubernetesEnricher(KubernetesOptions(), .testing("kubernetes"))
        #expect(Questions.ask(enricher, [.init("10.1.0.7")])[0].values.allSatisfy { $0 == .absent })
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FakeKubernetes
internal import Glibc
internal import HTTPClient
internal import KubernetesClient
internal import Logging
internal import ScriptedServer
internal import Synchronization
internal import Testing
internal import WeirKit
internal import WeirTesting

/// The whole client over HTTP against the fake API server.
@Suite struct ReflectorTests {
    /// A reflector that is in a hurry, and what it tells.
    private final class Follower: Sendable {
        let received = Mutex(Receiver<Pod>())
        let registry = MetricRegistry()
        let lines = LogLines()
        let reflector: Reflector<Pod>

        init(_ access: KubernetesAccess, resource: KubernetesResource = .pods, _ change: (inout ReflectorOptions) -> Void = { _ in }) {
            var options = ReflectorOptions()
            options.pageSize = 3
            options.watchSeconds = 1...2
            options.firstPause = .milliseconds(10)
            options.longestPause = .milliseconds(40)
            options.forbiddenPause = .milliseconds(30)
            options.absentPause = .milliseconds(30)
            options.goodWatch = .milliseconds(100)
            change(&options)
            reflector = Reflector(
                resource, labels: ["app.kubernetes.io/team"], from: KubernetesAPI(access), options: options, metrics: registry,
                log: Logger(label: "test") { [lines] _ in lines.handler })
        }

        /// Runs while `body` does, then ends by cancellation.
        func follow(_ body: () async throws -> Void) async throws {
            let task = Task { try await reflector.run { events in received.withLock { $0.apply(events) } } }
            defer { task.cancel() }
            try await body()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(received.withLock { $0.wrongs } == [])
        }

        /// Patient, because tests that only compute may take all threads of the pool for a while.
        func waits(_ what: String, within time: Duration = .seconds(120), for condition: (borrowing Receiver<Pod>) -> Bool) async throws {
            let end = ContinuousClock.now + time
            while ContinuousClock.now < end {
                if received.withLock({ condition($0) }) { return }
                try await Task.sleep(for: .milliseconds(2))
            }
            Issue.record("no \(what) after \(time); \(received.withLock { "\($0.objects.count) objects, \($0.lists) lists" }), \(reflector.health)")
        }

        func waits(_ what: String, until condition: () -> Bool) async throws {
            try await waits(what) { _ in condition() }
        }

        func restarts(_ reason: RestartReason) -> UInt64 { DecodingTests.count("weir_kubernetes_restarts_total", registry, [reason.rawValue]) }
    }

    private static func server(pods: Int, _ change: (inout FakeAPI) -> Void = { _ in }) throws -> FakeKubernetes {
        var api = FakeAPI()
        for number in 0..<pods { api.cluster.put(FakeObjects.pod(number, nodes: 3)) }
        change(&api)
        return try FakeKubernetes(api, bookmarks: .milliseconds(50))
    }

    @Test("a list in pages, then changes as they happen, over many short watches", arguments: [true, false])
    func follow(hasCache: Bool) async throws {
        let server = try Self.server(pods: 20) { $0.hasCache = hasCache }
        defer { server.stop() }
        let follower = Follower(KubernetesAccess(server: server.url))
        try await follower.follow {
            try await follower.waits("first list") { $0.objects.count == 20 && $0.caughtUp == 1 }
            for number in 20..<25 { server.change { $0.cluster.put(FakeObjects.pod(number, nodes: 3)) } }
            try await follower.waits("new pods") { $0.objects.count == 25 }
            let gone = FakeObjects.pod(7, nodes: 3)
            server.change { $0.cluster.delete(.pods, namespace: gone.namespace, name: gone.name) }
            try await follower.waits("deletion") { $0.objects[gone.uid] == nil && $0.objects.count == 24 }
            try await follower.waits("end of a watch at its time", until: { follower.restarts(.closed) >= 2 })
            #expect(follower.received.withLock { $0.lists } == 1, "an orderly end of a watch asked for another list")
        }
        let pod = follower.received.withLock { $0.objects[FakeObjects.pod(8, nodes: 3).uid] }
        #expect(pod?.meta.labels["app.kubernetes.io/team"] == "team-0")
        #expect(pod?.meta.controller?.kind == "ReplicaSet")
        #expect(pod?.nodeName == "node-2")
        #expect(pod?.addresses == [IPAddress("10.64.0.8"), IPAddress("fd00::8")].compactMap { $0 })
        #expect(follower.reflector.health.trouble == "")
        #expect(server.failures == [])
        #expect(follower.lines.all == [])
    }

    @Test("bookmarks keep the version fresh, so that a watch goes on behind a compaction without a list")
    func bookmarks() async throws {
        let server = try Self.server(pods: 3)
        defer { server.stop() }
        let follower = Follower(KubernetesAccess(server: server.url))
        try await follower.follow {
            try await follower.waits("first list") { $0.caughtUp == 1 }
            for _ in 0..<100 { server.change { $0.cluster.pass() } }
            let version = server.change { String($0.cluster.version) }
            try await follower.waits("bookmark", until: { follower.reflector.health.resourceVersion == version })
            server.change { $0.cluster.compact() }
            server.cutWatches()
            server.change { $0.cluster.put(FakeObjects.pod(3, nodes: 3)) }
            try await follower.waits("new pod") { $0.objects.count == 4 }
            #expect(follower.received.withLock { $0.lists } == 1)
            #expect(follower.restarts(.expired) == 0)
        }
    }

    @Test("a history that is forgotten means one more list, and what went meanwhile is swept")
    func compaction() async throws {
        let server = try Self.server(pods: 10)
        defer { server.stop() }
        let follower = Follower(KubernetesAccess(server: server.url))
        try await follower.follow {
            try await follower.waits("first list") { $0.caughtUp == 1 }
            server.change { api in
                api.faults = [FakeFault(.status(503), on: .watch, times: 3)]
                let gone = FakeObjects.pod(5, nodes: 3)
                api.cluster.delete(.pods, namespace: gone.namespace, name: gone.name)
                api.cluster.put(FakeObjects.pod(30, nodes: 3))
                api.cluster.compact()
            }
            server.cutWatches()
            try await follower.waits("second list") { $0.lists >= 2 && $0.objects.count == 10 && $0.caughtUp >= 2 }
            #expect(follower.restarts(.expired) >= 1)
            #expect(follower.restarts(.serverError) >= 3)
            #expect(follower.received.withLock { $0.objects[FakeObjects.pod(5, nodes: 3).uid] } == nil)
        }
    }

    @Test("a token that was renewed in its file is used from the next question on")
    func token() async throws {
        let path = "/tmp/weir-kubernetes-token-\(getpid())"
        // The text lives during the call.
        defer { unsafe remove(path) }
        try write("first\n", to: path)
        let server = try Self.server(pods: 2) { $0.tokens = ["second"] }
        defer { server.stop() }
        var access = KubernetesAccess(server: server.url)
        access.credentials = .tokenFile(path)
        let follower = Follower(access)
        try await follower.follow {
            try await follower.waits("refused tokens", until: { server.change { $0.unauthorized } >= 3 })
            #expect(follower.reflector.health.trouble.contains("does not accept this agent's credentials"))
            try write("second\n", to: path)
            try await follower.waits("list") { $0.objects.count == 2 && $0.caughtUp == 1 }
        }
        // Once a minute at most.
        #expect((1...3).contains(follower.lines.all.count), "\(follower.lines.all)")
        #expect(!follower.lines.all.contains { $0.contains("first") || $0.contains("second") })
    }

    @Test("a missing right is said once, with the role that it needs, and tried again")
    func forbidden() async throws {
        let server = try Self.server(pods: 1) { $0.faults = [FakeFault(.status(403), times: 5)] }
        defer { server.stop() }
        let follower = Follower(KubernetesAccess(server: server.url))
        try await follower.follow { try await follower.waits("list") { $0.objects.count == 1 } }
        #expect(follower.restarts(.forbidden) == 5)
        #expect(follower.lines.all.count == 1)
        #expect(
            follower.lines.all.first?.contains("its ClusterRole needs the verbs list and watch for the resource pods of the API group ''") == true)
    }

    @Test("a resource that the cluster does not have is asked for now and then, and read when it comes")
    func absent() async throws {
        let server = try Self.server(pods: 0)
        defer { server.stop() }
        let rollouts = KubernetesResource(group: "argoproj.io", version: "v1alpha1", plural: "rollouts", kind: "Rollout", metadataOnly: true)
        let follower = Follower(KubernetesAccess(server: server.url), resource: rollouts)
        try await follower.follow {
            try await follower.waits("questions for what is not there", until: { follower.restarts(.notFound) >= 2 })
            let tree = try JSONTreeReader.read(
                #"{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"web","namespace":"shop"},"spec":{"metadata":5}}"#)
            server.change { api in if let object = FakeObject(tree) { api.cluster.put(object) } }
            try await follower.waits("rollout") { $0.objects.values.first?.meta.name == "web" }
        }
        #expect(server.requests.allSatisfy { $0.header("Accept")?.hasPrefix("application/json;as=PartialObjectMetadata") == true })
    }

    @Test("a watch without a byte is ended and begun again; so is a list")
    func silence() async throws {
        let server = try Self.server(pods: 2) { api in
            api.faults = [FakeFault(.silence, on: .list), FakeFault(.silence, on: .watch)]
        }
        defer { server.stop() }
        let follower = Follower(KubernetesAccess(server: server.url)) {
            $0.watchIdle = .milliseconds(300)
            $0.listIdle = .milliseconds(200)
        }
        try await follower.follow {
            try await follower.waits("list") { $0.objects.count == 2 }
            try await follower.waits("end of the silent watch", until: { follower.restarts(.idle) >= 2 })
            server.change { $0.cluster.put(FakeObjects.pod(9, nodes: 3)) }
            try await follower.waits("new pod") { $0.objects.count == 3 }
        }
    }

    @Test("a server that is not there yet is found when it comes, and what is known stays while it is away")
    func restart() async throws {
        let first = try Self.server(pods: 4)
        let follower = Follower(KubernetesAccess(server: first.url))
        try await follower.follow {
            try await follower.waits("list") { $0.caughtUp == 1 }
            first.stop()
            try await follower.waits("attempts to connect", until: { follower.restarts(.connect) >= 3 })
            #expect(follower.received.withLock { $0.objects.count } == 4)
            #expect(follower.reflector.health.failingSince != nil)
            var api = FakeAPI()
            api.cluster.put(FakeObjects.pod(0, nodes: 3))
            let second = try FakeKubernetes(api, port: first.port)
            defer { second.stop() }
            try await follower.waits("the new server's state") { $0.objects.count == 1 }
            #expect(follower.reflector.health.failingSince == nil)
        }
        #expect((1...3).contains(follower.lines.all.count), "\(follower.lines.all)")
    }

    @Test("law: over sockets, too, trouble of all kinds ends in what the server has")
    func trouble() async throws {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        let server = try Self.server(pods: 30)
        defer { server.stop() }
        let follower = Follower(KubernetesAccess(server: server.url)) { $0.watchIdle = .milliseconds(400) }
        try await follower.follow {
            for _ in 0..<400 {
                let number = random.below(40)
                let choice = random.below(12)
                let amount = random.below(20_000)
                server.change { api in
                    let pod = FakeObjects.pod(number, nodes: 3)
                    switch choice {
                    case 0..<6: api.cluster.put(pod)
                    case 6..<9: api.cluster.delete(.pods, namespace: pod.namespace, name: pod.name)
                    case 9: if amount < 4000 { api.cluster.compact() }
                    case 10: api.faults.append(FakeFault(.cut(afterBytes: amount)))
                    default:
                        api.faults.append(
                            FakeFault([.status(429, retryAfterSeconds: 0), .status(500), .garbage("x"), .html, .status(410)][amount % 5]))
                    }
                }
                if choice == 9 { server.cutWatches() }
                try await Task.sleep(for: .milliseconds(2))
            }
            server.change { $0.faults = [] }
            let wanted = server.change { Set($0.cluster.all(.pods).map(\.uid)) }
            try await follower.waits("the server's \(wanted.count) pods, seed \(seed)") { Set($0.objects.keys) == wanted }
        }
        #expect(server.failures == [], "seed \(seed)")
    }

    @Test("the metadata of one object, or nothing when there is none")
    func one() async throws {
        let server = try Self.server(pods: 0) { api in
            let tree = try? JSONTreeReader.read(#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-system","uid":"the-uid"}}"#)
            if let object = tree.flatMap({ FakeObject($0) }) { api.cluster.put(object) }
        }
        defer { server.stop() }
        let api = KubernetesAPI(KubernetesAccess(server: server.url))
        #expect(try await api.metadata(.namespaces, name: "kube-system")?.uid == "the-uid")
        #expect(try await api.metadata(.namespaces, name: "none") == nil)
        server.change { $0.faults = [FakeFault(.status(403)), FakeFault(.html)] }
        await #expect(throws: KubernetesError.self) { try await api.metadata(.namespaces, name: "kube-system") }
        await #expect(throws: KubernetesError.self) { try await api.metadata(.namespaces, name: "kube-system") }
    }

    private func write(_ text: String, to path: String) throws {
        // Opened, written and closed here; the texts outlive the calls.
        guard let file = unsafe fopen(path, "w") else { throw KubernetesAccessError("write \(path)") }
        unsafe fputs(text, file)
        unsafe fclose(file)
    }
}

/// Keeps what is logged.
private final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }
    var handler: any LogHandler { Handler(lines: self) }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            lines.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}

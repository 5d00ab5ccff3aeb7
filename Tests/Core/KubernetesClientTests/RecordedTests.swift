// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FileTree
internal import KubernetesClient
internal import Testing
internal import WeirKit

/// What a kube-apiserver said, and what the client makes of it; `Recorded/README.md` says what was asked.
@Suite struct RecordedTests {
    private static func bytes(_ name: String) throws -> [UInt8] {
        let folder = String(#filePath.prefix(upTo: #filePath.lastIndex(of: "/") ?? #filePath.endIndex))
        return try FileTree.read("\(folder)/Recorded/\(name)", limit: 1 << 20)
    }

    /// A client that answers have been given to, one behind the other; each is a status and a file.
    private static func client<Object: KubernetesObject>(
        _ type: Object.Type, _ resource: KubernetesResource, _ answers: [(status: Int, file: String)], registry: MetricRegistry = MetricRegistry(),
        size: Int
    ) throws -> (events: [ReflectorEvent<Object>], next: ListWatchMachine.Step, trouble: KubernetesError?) {
        var client = ListWatch<Object>(
            resource, labels: ["app", "team"], machine: ListWatchMachine(), metrics: ReflectorMetrics(registry, resource: resource))
        var events: [ReflectorEvent<Object>] = []
        for (status, file) in answers {
            events += client.answered(client.next(), status: status, retryAfter: nil, at: .now)
            let bytes = try bytes(file)
            for start in stride(from: 0, to: bytes.count, by: size) {
                let (more, isOver) = client.take(Array(bytes[start..<min(start + size, bytes.count)]), at: .now)
                events += more
                if isOver { break }
            }
            events += client.end(nil, at: .now)
        }
        return (events, client.next(), client.takeTrouble())
    }

    private static func names<Object: KubernetesObject>(_ events: [ReflectorEvent<Object>]) -> [String] {
        events.map { event in
            switch event {
            case .beginList: "begin"
            case .put(let object): "put \(object.meta.name)"
            case .delete(let identity): "delete \(identity.name)"
            case .endList: "end"
            case .caughtUp: "caught up"
            }
        }
    }

    @Test("a page, whose token has expired when the next is asked for", arguments: [1, 100, 100_000])
    func pages(size: Int) throws {
        let page = try Self.client(Pod.self, .pods, [(200, "pods-page.json")], size: size)
        #expect(Self.names(page.events) == ["begin", "put pod-0", "put pod-1"])
        guard case .put(let pod) = page.events[2] else { return }
        #expect(pod.meta.uid == "264c5930-1e5b-4ace-9f7f-f6ce9ae8b531")
        #expect(pod.meta.controller?.name == "web-1")
        #expect(pod.meta.labels == ["app": "web", "team": "t1"])
        #expect(pod.nodeName == "node-1")
        #expect(pod.start == RFC3339.nanoseconds("2026-01-02T03:04:05Z"))
        guard case .list(let query) = page.next else { return #expect(Bool(false), "\(page.next)") }
        #expect(query.continueToken == "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MTY2NTgsInN0YXJ0Ijoic2hvcC9wb2QtMVx1MDAwMCJ9")

        let expired = try Self.client(Pod.self, .pods, [(200, "pods-page.json"), (410, "page-expired.json")], size: size)
        #expect(expired.next == .list(.init(resourceVersion: nil, limit: nil)))
    }

    @Test("a watch: changes, a deletion in two steps, bookmarks; then one from a version that is forgotten", arguments: [1, 100, 100_000])
    func watch(size: Int) throws {
        let registry = MetricRegistry()
        let watch = try Self.client(
            Pod.self, .pods, [(200, "empty-list.json"), (200, "pods-watch.jsonl")], registry: registry, size: size)
        #expect(
            Self.names(watch.events) == ["begin", "end", "caught up", "put pod-1", "put pod-2", "delete pod-2", "put pod-new"])
        guard case .put(let pod) = watch.events[3], case .put(let going) = watch.events[4] else { return }
        #expect(pod.phase == .succeeded && pod.isCompleted)
        #expect(going.meta.deletion != nil)
        guard case .watch(let query) = watch.next else { return #expect(Bool(false), "\(watch.next)") }
        #expect(query.resourceVersion == "16662")
        #expect(DecodingTests.count("weir_kubernetes_skipped_objects_total", registry) == 0)

        let expired = try Self.client(Pod.self, .pods, [(200, "empty-list.json"), (200, "pods-watch-expired.jsonl")], size: size)
        guard case .list = expired.next else { return #expect(Bool(false), "\(expired.next)") }
        #expect(expired.trouble == nil)
    }

    @Test("nodes, and ReplicaSets by their metadata alone")
    func others() throws {
        let nodes = try Self.client(Node.self, .nodes, [(200, "nodes-page.json")], size: 50)
        guard nodes.events.count >= 2, case .put(let node) = nodes.events[1] else { return #expect(Bool(false), "\(nodes.events)") }
        #expect(node.meta.name == "node-0")
        #expect(node.podRanges == [CIDR("10.0.0.0/24")].compactMap { $0 })
        #expect(node.providerID == "aws:///a/i-0")
        let sets = try Self.client(PartialObject.self, .replicaSets, [(200, "replicasets-metadata.json")], size: 50)
        #expect(Self.names(sets.events).count == 12)
        #expect(Self.names(sets.events).contains("put web-4"))
    }

    @Test("refusals")
    func refusals() throws {
        let large = try Self.client(Pod.self, .pods, [(504, "too-large.json")], size: 50)
        #expect(large.next == .list(.init(resourceVersion: nil, limit: 500)))
        let forbidden = try Self.client(Pod.self, .pods, [(403, "forbidden.json")], size: 50)
        #expect(forbidden.trouble?.reason == .forbidden)
        #expect(forbidden.trouble?.description.contains("User \"reader\" cannot list resource \"pods\"") == true)
        #expect(try Self.client(Pod.self, .pods, [(401, "unauthorized.json")], size: 50).trouble?.reason == .unauthorized)
        #expect(try Self.client(Pod.self, .pods, [(404, "not-found.txt")], size: 50).trouble?.reason == .notFound)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import KubernetesClient
internal import Testing
internal import WeirKit

/// Bytes by hand through the part of the client that has no I/O.
@Suite struct DecodingTests {
    /// What a list of `items` in one answer tells, cut into pieces.
    static func list<Object: KubernetesObject>(
        _ type: Object.Type, _ items: String, labels: [String] = [], size: Int = 7, registry: MetricRegistry = MetricRegistry()
    ) -> [ReflectorEvent<Object>] {
        feed(type, #"{"kind":"List","metadata":{"resourceVersion":"7"},"items":[\#(items)]}"#, labels, size, registry).events
    }

    static func feed<Object: KubernetesObject>(
        _ type: Object.Type, _ body: String, _ labels: [String], _ size: Int, _ registry: MetricRegistry
    ) -> (events: [ReflectorEvent<Object>], client: ListWatch<Object>) {
        let resource = KubernetesResource.pods
        var client = ListWatch<Object>(
            resource, labels: labels, machine: ListWatchMachine(), metrics: ReflectorMetrics(registry, resource: resource))
        var events = client.answered(client.next(), status: 200, retryAfter: nil, at: .now)
        let bytes = Array(body.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let (more, isOver) = client.take(Array(bytes[start..<min(start + size, bytes.count)]), at: .now)
            events += more
            if isOver { break }
        }
        events += client.end(nil, at: .now)
        return (events, client)
    }

    static func count(_ name: String, _ registry: MetricRegistry, _ labels: [String] = []) -> UInt64 {
        let cells = registry.read().first { $0.name == name }?.cells ?? []
        return cells.filter { cell in labels.allSatisfy { label in cell.labels.contains { $0.value == label } } }.reduce(0) { $0 + $1.cell.current }
    }

    @Test("a pod: what is needed is kept, both families, the controller and the labels that were asked for")
    func pod() {
        let text = #"""
            {"metadata":{"name":"web-1","namespace":"shop","uid":"u1","resourceVersion":"5","deletionTimestamp":"2026-01-02T03:04:05Z",
              "labels":{"app":"web","team":"payments","empty":""},"managedFields":[{"fieldsV1":{"f:metadata":{"f:name":{}}}}],
              "ownerReferences":[{"apiVersion":"v1","kind":"Other","name":"o","uid":"o1"},
                {"controller":true,"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"r1"}]},
             "spec":{"nodeName":"n1","hostNetwork":true,"containers":[{"name":"c","env":[{"name":"hostNetwork","value":"x"}]}]},
             "status":{"phase":"Succeeded","hostIP":"192.168.0.1","hostIPs":[{"ip":"192.168.0.1"},{"ip":"fd00::1"}],"podIP":"10.0.0.4",
               "podIPs":[{"ip":"10.0.0.4"},{"ip":"2001:db8::4"}],"startTime":"1970-01-01T00:00:01Z"}}
            """#
        var meta = ObjectMeta(uid: "u1", namespace: "shop", name: "web-1")
        meta.deletion = RFC3339.nanoseconds("2026-01-02T03:04:05Z")
        meta.labels = ["team": "payments", "empty": ""]
        meta.controller = OwnerReference(apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "r1")
        var wanted = Pod(meta)
        wanted.nodeName = "n1"
        wanted.hostNetwork = true
        wanted.phase = .succeeded
        wanted.addresses = [IPAddress("10.0.0.4"), IPAddress("2001:db8::4")].compactMap { $0 }
        wanted.hostAddresses = [IPAddress("192.168.0.1"), IPAddress("fd00::1")].compactMap { $0 }
        wanted.start = 1_000_000_000
        for size in [1, 3, 64, 10_000] {
            #expect(Self.list(Pod.self, text, labels: ["team", "empty", "none"], size: size) == [.beginList, .put(wanted), .endList])
        }
        #expect(wanted.isCompleted)
    }

    @Test("a pod of an older server has its addresses in the single fields; one without a node has none")
    func olderPod() {
        var first = Pod(ObjectMeta(uid: "a", namespace: "n", name: "a"))
        first.addresses = [IPAddress("10.0.0.4")].compactMap { $0 }
        first.hostAddresses = [IPAddress("192.168.0.1")].compactMap { $0 }
        let second = Pod(ObjectMeta(uid: "b", namespace: "n", name: "b"))
        let found = Self.list(
            Pod.self,
            #"""
            {"metadata":{"uid":"a","namespace":"n","name":"a"},"status":{"podIP":"10.0.0.4","hostIP":"192.168.0.1"}},
            {"metadata":{"uid":"b","namespace":"n","name":"b","labels":null,"ownerReferences":null},"spec":{},"status":{"podIP":"","podIPs":null}}
            """#)
        #expect(found == [.beginList, .put(first), .put(second), .endList])
    }

    @Test("a node: addresses with their kinds, without host names; ranges and the cloud's id")
    func node() {
        var wanted = Node(ObjectMeta(uid: "u", name: "n1", labels: ["topology.kubernetes.io/zone": "a"]))
        wanted.addresses = [("192.168.0.1", Node.Address.Kind.internal), ("198.51.100.7", .external), ("fd00::1", .internal)].compactMap {
            text, kind in
            IPAddress(text).map { Node.Address(kind, $0) }
        }
        wanted.podRanges = [CIDR("10.1.0.0/24"), CIDR("fd00:1::/64")].compactMap { $0 }
        wanted.providerID = "aws:///eu-west-1a/i-0123"
        let found = Self.list(
            Node.self,
            #"""
            {"metadata":{"uid":"u","name":"n1","labels":{"topology.kubernetes.io/zone":"a","x":"y"}},
             "spec":{"podCIDR":"10.1.0.0/24","podCIDRs":["10.1.0.0/24","fd00:1::/64"],"providerID":"aws:///eu-west-1a/i-0123"},
             "status":{"addresses":[{"type":"InternalIP","address":"192.168.0.1"},{"address":"198.51.100.7","type":"ExternalIP"},
               {"type":"Hostname","address":"n1"},{"type":"InternalIP","address":"fd00::1"}],"images":[{"names":["a","b"]}]}}
            """#, labels: ["topology.kubernetes.io/zone"])
        #expect(found == [.beginList, .put(wanted), .endList])
        #expect(wanted.primaryAddress == IPAddress("192.168.0.1"))
    }

    @Test("a service: cluster, external and load balancer addresses; a headless one has none")
    func service() {
        var wanted = Service(ObjectMeta(uid: "u", namespace: "shop", name: "db"))
        wanted.kind = .loadBalancer
        wanted.clusterAddresses = [IPAddress("10.96.0.9"), IPAddress("fd00:96::9")].compactMap { $0 }
        wanted.externalAddresses = [IPAddress("198.51.100.1")].compactMap { $0 }
        wanted.loadBalancerAddresses = [IPAddress("203.0.113.5")].compactMap { $0 }
        let headless = Service(ObjectMeta(uid: "h", namespace: "shop", name: "h"))
        let registry = MetricRegistry()
        let found = Self.list(
            Service.self,
            #"""
            {"metadata":{"uid":"u","namespace":"shop","name":"db"},
             "spec":{"type":"LoadBalancer","clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9","fd00:96::9"],"externalIPs":["198.51.100.1"]},
             "status":{"loadBalancer":{"ingress":[{"hostname":"lb.example.org"},{"ip":"203.0.113.5","ports":[]}]}}},
            {"metadata":{"uid":"h","namespace":"shop","name":"h"},"spec":{"clusterIP":"None","clusterIPs":["None"]},"status":{"loadBalancer":{}}}
            """#, registry: registry)
        #expect(found == [.beginList, .put(wanted), .put(headless), .endList])
        #expect(Self.count("weir_kubernetes_bad_values_total", registry) == 0)
    }

    @Test("an object that cannot be trusted is skipped and counted, a value that is none is left out and counted, and the others come")
    func skipped() {
        let registry = MetricRegistry()
        let long = String(repeating: "x", count: 300)
        let found = Self.list(
            Pod.self,
            #"""
            {"metadata":5},{"metadata":{"uid":["u"],"name":"a"}},7,{"metadata":{"name":"no uid"}},{"metadata":{"uid":"\#(long)","name":"a"}},
            {"metadata":{"uid":"ok","name":"ok","namespace":"a\u0007b"},"status":{"podIPs":[{"ip":"10.0.0"},{"ip":"10.0.0.1"}],"startTime":"noon"}}
            """#, registry: registry)
        var wanted = Pod(ObjectMeta(uid: "ok", name: "ok"))
        wanted.addresses = [IPAddress("10.0.0.1")].compactMap { $0 }
        #expect(found == [.beginList, .put(wanted), .endList])
        #expect(Self.count("weir_kubernetes_skipped_objects_total", registry) == 5)
        #expect(Self.count("weir_kubernetes_bad_values_total", registry) == 4)
    }

    @Test(
        "what is no list ends it without an end, so that nothing is forgotten", arguments: ["<html>", "[]", "{\"items\":[", "{\"items\":[]}", "{}x"])
    func noList(body: String) {
        let registry = MetricRegistry()
        var (events, client) = Self.feed(Pod.self, body, [], 4, registry)
        #expect(events == [.beginList])
        #expect(Self.count("weir_kubernetes_restarts_total", registry, ["decode"]) == 1)
        #expect(client.takeTrouble()?.reason == .decode)
        guard case .wait = client.next() else { return #expect(Bool(false), "no pause behind what cannot be read") }
    }

    @Test("a list of a hundred thousand addresses keeps a few of them")
    func manyAddresses() {
        let addresses = (0..<100_000).map { "{\"ip\":\"10.\($0 >> 16 & 255).\($0 >> 8 & 255).\($0 & 255)\"}" }.joined(separator: ",")
        let registry = MetricRegistry()
        let found = Self.list(
            Pod.self, #"{"metadata":{"uid":"u","name":"n"},"status":{"podIPs":[\#(addresses)]}}"#, size: 65_536, registry: registry)
        guard found.count == 3, case .put(let pod) = found[1] else { return #expect(Bool(false), "no pod") }
        #expect(pod.addresses.count == 256)
        #expect(Self.count("weir_kubernetes_bad_values_total", registry) == 100_000 - 256)
    }

    @Test("an object without an end is given up, and memory stays")
    func endless() {
        let resource = KubernetesResource.pods
        let registry = MetricRegistry()
        var client = ListWatch<Pod>(resource, labels: [], machine: ListWatchMachine(), metrics: ReflectorMetrics(registry, resource: resource))
        _ = client.answered(client.next(), status: 200, retryAfter: nil, at: .now)
        _ = client.take(Array(#"{"metadata":{"resourceVersion":"1"},"items":[{"spec":{"a":["#.utf8), at: .now)
        let piece = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
        var pieces = 0
        while pieces < 64, !client.take(piece, at: .now).isOver { pieces += 1 }
        #expect((15...16).contains(pieces))
    }

    @Test("a refusal is no word of the resource, nor is what cannot be read", arguments: [401, 403, 404, 429, 503, 200])
    func contact(status: Int) {
        let registry = MetricRegistry()
        var (_, client) = Self.feed(Pod.self, #"{"metadata":{"resourceVersion":"7"},"items":[]}"#, [], 100, registry)
        let start = ContinuousClock.now
        _ = client.answered(client.next(), status: 200, retryAfter: nil, at: start)
        #expect(client.health.lastContact == start)
        _ = client.take(Array(#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"8"}}}"#.utf8) + [0x0A], at: start + .seconds(1))
        let last = start + .seconds(1)
        #expect(client.health.lastContact == last)
        if status != 200 {
            _ = client.end(nil, at: start + .seconds(2))
            _ = client.answered(client.next(), status: status, retryAfter: nil, at: start + .seconds(3))
        }
        _ = client.take(Array("<html>no\n".utf8), at: start + .seconds(4))
        _ = client.end(nil, at: start + .seconds(5))
        #expect(client.health.lastContact == last && client.health.failingSince != nil)
        #expect(client.health.isRefused == [403, 404].contains(status))
    }

    @Test("a watch that worked and fell silent is begun again without a word; one that never spoke is trouble", arguments: [true, false])
    func silentWatch(worked: Bool) {
        let registry = MetricRegistry()
        var (_, client) = Self.feed(Pod.self, #"{"metadata":{"resourceVersion":"7"},"items":[]}"#, [], 100, registry)
        let start = ContinuousClock.now
        if worked { #expect(client.answered(client.next(), status: 200, retryAfter: nil, at: start) == [.caughtUp]) } else { _ = client.next() }
        _ = client.end(KubernetesError(.idle, "no byte"), at: start + .seconds(150))
        #expect((client.takeTrouble() == nil) == worked)
        #expect((client.health.failingSince == nil) == worked)
        #expect(Self.count("weir_kubernetes_restarts_total", registry, ["idle"]) == 1)
        guard case .wait = client.next() else { return #expect(Bool(false), "no pause") }
        guard case .watch(let query) = client.next() else { return #expect(Bool(false), "no watch") }
        #expect(query.resourceVersion == "7")
    }
}

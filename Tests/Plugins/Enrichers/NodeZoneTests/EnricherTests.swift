// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import FakeKubernetes
import KubernetesClient
import NodeZoneEnricher
import Synchronization
import Testing
import WeirKit
import WeirTesting

@Suite("node_zone: answers while it learns")
struct EnricherTests {
    private final class Told: Sendable {
        let list = Mutex<[EndpointSelection]>([])
    }

    private static func put(_ name: String, zone: String, in server: FakeKubernetes) throws {
        let tree = try JSONTreeReader.read(
            #"{"apiVersion":"v1","kind":"Node","metadata":{"name":"\#(name)","uid":"\#(name)","labels":{"topology.kubernetes.io/zone":"\#(zone)"}}}"#)
        let node = try #require(FakeObject(tree))
        server.change { $0.cluster.put(node) }
    }

    private func zone(of node: String, _ enricher: NodeZoneEnricher) -> Answer? {
        Questions.ask([FixedAnswers([.endpoint("k8s.node.name"): node]), enricher], [.init("10.1.0.7")])[0][.zone]
    }

    /// Whether `condition` came to hold within the time that a machine may be busy with other tests.
    private func waits(for condition: () -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(120)
        while !condition() {
            if ContinuousClock.now > end { return false }
            try await Task.sleep(for: .milliseconds(5))
        }
        return true
    }

    @Test("pending until the first list is there; what changes later is told by the node's name")
    func learns() async throws {
        let server = try FakeKubernetes()
        try Self.put("node-a", zone: "eu-1a", in: server)
        server.change { $0.faults.append(FakeFault(.slow(bytes: 100, everyMilliseconds: 100), on: .list, of: "nodes")) }
        let told = Told()
        let metrics = MetricRegistry()
        func deletes() -> UInt64 {
            let cells = metrics.read().first { $0.name == "weir_kubernetes_events_total" }?.cells ?? []
            return cells.first { $0.labels.contains { $0.value == "delete" } }?.cell.current ?? 0
        }
        let enricher = NodeZoneEnricher(
            NodeZoneOptions(), .testing("node_zone", metrics: metrics, invalidate: { selection in told.list.withLock { $0.append(selection) } }),
            patience: .seconds(300))
        #expect(zone(of: "node-a", enricher) == .absent, "before it runs it waits for nobody")
        let task = Task { try await enricher.learn(from: KubernetesAPI(KubernetesAccess(server: server.url))) }
        defer { task.cancel() }
        #expect(try await waits { zone(of: "node-a", enricher) == .pending })
        #expect(try await waits { zone(of: "node-a", enricher) == .text("eu-1a") })
        #expect(try await waits { told.list.withLock { $0 } == [.all] })
        #expect(zone(of: "node-b", enricher) == .absent)
        try Self.put("node-b", zone: "eu-1b", in: server)
        #expect(try await waits { zone(of: "node-b", enricher) == .text("eu-1b") })
        #expect(try await waits { told.list.withLock { $0.contains(.value(.endpoint("k8s.node.name"), "node-b")) } })
        server.change { _ = $0.cluster.delete(.nodes, namespace: "", name: "node-b") }
        #expect(try await waits { deletes() == 1 })
        // What came behind it was taken, so it was too.
        try Self.put("node-c", zone: "eu-1c", in: server)
        #expect(try await waits { zone(of: "node-c", enricher) == .text("eu-1c") })
        #expect(zone(of: "node-b", enricher) == .text("eu-1b"), "for the grace period")
        let asked = FixedAnswers([.endpoint("k8s.node.name"): "node-a"])
        #expect(Questions.brokenPromises(of: enricher, after: [asked], with: [.init("10.1.0.7"), .init("192.0.2.1")]) == [])
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import KubernetesClient
internal import Logging
internal import Synchronization
internal import Testing
internal import WeirKit

/// Against an API server that is not ours: `WEIR_KUBECONFIG=FILE swift test --filter RealServerTests`, while somebody changes what it holds.
@Suite struct RealServerTests {
    private static let kubeconfig = ProcessInfo.processInfo.environment["WEIR_KUBECONFIG"]
    /// How long to follow.
    private static let seconds = Int(ProcessInfo.processInfo.environment["WEIR_SECONDS"] ?? "") ?? 10

    @Test("what was followed for a while is what a new list says", .enabled(if: kubeconfig != nil))
    func same() async throws {
        let api = KubernetesAPI(try Kubeconfig.access(Self.kubeconfig ?? ""))
        try await follow(Pod.self, .pods, api)
        try await follow(Node.self, .nodes, api)
        try await follow(Service.self, .services, api)
        for resource in [KubernetesResource.namespaces, .replicaSets, .jobs] { try await follow(PartialObject.self, resource, api) }
    }

    private func follow<Object: KubernetesObject & Equatable>(_ type: Object.Type, _ resource: KubernetesResource, _ api: KubernetesAPI) async throws
    {
        let registry = MetricRegistry()
        let log = Logger(label: "test")
        func reflector() -> Reflector<Object> {
            var options = ReflectorOptions()
            options.watchSeconds = 2...4
            return Reflector(resource, labels: ["team", "app"], from: api, options: options, metrics: registry, log: log)
        }
        let seconds = resource == .pods ? Self.seconds : 2
        let followed = Mutex(Receiver<Object>())
        let task = Task { try await reflector().run { events in followed.withLock { $0.apply(events) } } }
        try await Task.sleep(for: .seconds(seconds))
        // Whoever changes things must have ended by now, or both see the same a moment later.
        for attempt in 1...20 {
            let listed = Mutex(Receiver<Object>())
            let second = Task { try await reflector().run { events in listed.withLock { $0.apply(events) } } }
            while listed.withLock({ $0.caughtUp }) == 0 { try await Task.sleep(for: .milliseconds(5)) }
            second.cancel()
            let same = followed.withLock { $0.objects } == listed.withLock { $0.objects }
            if same || attempt == 20 {
                #expect(same, "\(resource): \(followed.withLock { $0.objects.count }) followed, \(listed.withLock { $0.objects.count }) listed")
                print(
                    "\(resource): \(listed.withLock { $0.objects.count }) objects, \(followed.withLock { "\($0.lists) lists, \($0.puts) puts" }), restarts:",
                    RestartReason.allCases.map { "\($0.rawValue) \(DecodingTests.count("weir_kubernetes_restarts_total", registry, [$0.rawValue]))" }
                        .joined(separator: ", "))
                break
            }
            try await Task.sleep(for: .milliseconds(200))
        }
        task.cancel()
        #expect(followed.withLock { $0.wrongs } == [])
        #expect(DecodingTests.count("weir_kubernetes_skipped_objects_total", registry) == 0)
    }
}

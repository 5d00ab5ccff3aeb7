// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import OTLPExporter
internal import OTLPMessages
internal import ScriptedServer
internal import Synchronization
internal import Testing
internal import WeirKit
internal import WeirTesting

/// Who the agent says it is: the resource, and its certificate.
@Suite("otlp: identity", .serialized)
struct IdentityTests {
    private static let one = SeriesReader {
        [MetricSnapshot(name: "m", help: "", unit: "By", attributes: [], values: [1], created: [1], texts: [], overflow: nil)]
    }

    /// The resource of the first request.
    private func resource(_ environment: [String: String], stages: [String: String], written: String) async throws -> [String: String] {
        let receiver = MisbehavingReceiver([.good])
        let server = try ScriptedServer { try receiver.answer($0, $1) }
        let (options, problems) = OTLPOptions.reading("{ endpoint: '\(server.url)', interval: 100ms, resource: {\(written)} }")
        #expect(problems == [])
        let facts = ResourceFacts()
        facts.set(stages)
        let context = PluginContext.testing("otlp", environment: environment, wallClock: { 1 }, resource: facts)
        try await ExporterTests.run(OTLPExporter(try Settings(options, environment: environment), context), Self.one) {
            _ = await server.waitForRequests(1)
        }
        let attributes = try #require(receiver.collected.withLock { $0.requests.first }?.resourceMetrics.first?.resource.attributes)
        return Dictionary(uniqueKeysWithValues: attributes.map { ($0.key, $0.value.text) })
    }

    @Test("of several words for one thing stages, the environment and the options stand, the later above the earlier")
    func precedence() async throws {
        let stages = ["cloud.region": "stage", "host.id": "stage", "deployment": "stage", "host.name": "stage"]
        let environment = [
            "OTEL_RESOURCE_ATTRIBUTES": "host.id=environment,deployment=environment, team = a%2Cb%20c ,service.name=list", "OTEL_SERVICE_NAME": "own",
        ]
        let found = try await resource(environment, stages: stages, written: "deployment: written")
        #expect(
            found == [
                "cloud.region": "stage", "host.id": "environment", "deployment": "written", "team": "a,b c", "service.name": "own",
                "service.version": "0.0.0", "service.instance.id": "node-1", "host.name": "node-1",
            ])
        let written = try await resource(environment, stages: [:], written: "service.name: written, host.name: other")
        #expect(written["service.name"] == "written" && written["host.name"] == "other")
        #expect(try await resource(["OTEL_RESOURCE_ATTRIBUTES": "service.name=list"], stages: [:], written: "")["service.name"] == "list")
    }

    @Test("the first request waits for stages that are about to tell something, but not for long", arguments: [true, false])
    func patience(_ tells: Bool) async throws {
        let receiver = MisbehavingReceiver([.good])
        let server = try ScriptedServer { try receiver.answer($0, $1) }
        let facts = ResourceFacts()
        let stage = facts.handle(rank: 3)
        stage.expect()
        let settings = try Settings(OTLPOptions.reading("{ endpoint: '\(server.url)', interval: 100ms }").options, environment: [:])
        let start = ContinuousClock.now
        try await ExporterTests.run(OTLPExporter(settings, .testing("otlp", wallClock: { 1 }, resource: facts)), Self.one) {
            if tells {
                try await Task.sleep(for: .milliseconds(700))
                #expect(server.requests.isEmpty)
                stage.set(["cloud.region": "late"])
                stage.settle()
            }
            _ = await server.waitForRequests(1)
        }
        let attributes = receiver.collected.withLock { $0.requests.first?.resourceMetrics.first?.resource.attributes } ?? []
        #expect(attributes.contains { $0.key == "cloud.region" && $0.value.text == "late" } == tells)
        #expect(.now - start < .seconds(8) && (tells || .now - start >= .seconds(5)))
    }

    /// A receiver behind nginx, which asks for a client's certificate.
    private func throughTLS(
        _ options: (TestCertificates) -> String
    ) async throws -> (taken: Int, clients: [String], registry: MetricRegistry) {
        let receiver = MisbehavingReceiver([.good])
        let server = try ScriptedServer { try receiver.answer($0, $1) }
        let made = try TestCertificates()
        let nginx = try NginxServer(ports: 1) { ports, _ in
            """
            server {
                listen 127.0.0.1:\(ports[0]) ssl;
                ssl_certificate \(made.server.certificate);
                ssl_certificate_key \(made.server.key);
                ssl_client_certificate \(made.authority);
                ssl_verify_client on;
                location / { proxy_pass \(server.url); proxy_set_header X-Client $ssl_client_s_dn; }
            }
            """
        }
        let files = ConfigFiles { (path, _) throws(ConfigFileError) in made.text(path) }
        let (read, problems) = OTLPOptions.reading(
            "{ endpoint: 'https://127.0.0.1:\(nginx.ports[0])', interval: 100ms, \(options(made)) }", files: files)
        #expect(problems == [])
        let registry = MetricRegistry()
        let context = PluginContext.testing("otlp", metrics: registry, wallClock: { 1 })
        let exporter = OTLPExporter(try Settings(read, environment: [:]), context)
        try await ExporterTests.run(exporter, Self.one) {
            func outcomes() -> UInt64 { counter(registry, "weir_otlp_requests_total") }
            while outcomes() == 0 { try await Task.sleep(for: .milliseconds(5)) }
        }
        let clients = server.requests.compactMap { $0.header("x-client") }
        return (receiver.collected.withLock { $0.requests.count }, clients, registry)
    }

    @Test("over TLS the receiver is held against the authority of the file, and sees the agent's own certificate")
    func tls() async throws {
        let both = try await throughTLS {
            "ca_file: \($0.authority), certificate_file: \($0.client.certificate), key_file: \($0.client.key)"
        }
        #expect(both.taken > 0 && Set(both.clients) == ["CN=client"])
        let stranger = try await throughTLS {
            "ca_file: \($0.otherAuthority), certificate_file: \($0.client.certificate), key_file: \($0.client.key)"
        }
        #expect(stranger.taken == 0 && counter(stranger.registry, "weir_otlp_failures_total", "tls") > 0)
        // Whom the receiver does not know it refuses: nginx says so with a status of its own.
        let nobody = try await throughTLS { "ca_file: \($0.authority)" }
        #expect(nobody.taken == 0 && counter(nobody.registry, "weir_otlp_failures_total", "http_400") > 0)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Gzip
internal import OTLPExporter
internal import OTLPMessages
internal import ScriptedServer
internal import SwiftProtobuf
internal import Synchronization
internal import Testing
internal import WeirKit
internal import WeirTesting

/// A receiver that misbehaves as a test says, and adds up what it took.
final class MisbehavingReceiver: Sendable {
    enum Answer: CaseIterable, Sendable {
        case good, partial, garbageBody, cutBody, tooMany, unavailable, refusal, reset, hang, noHTTP
    }

    let collected = Mutex(Collected())
    let rejected = Mutex<UInt64>(0)
    private let state = Mutex(Script())
    private struct Script: Sendable {
        var answers: [Answer] = []
        var random = SplitMix64(seed: 1)
        var taken = 0
    }

    /// Answers by chance, `answers` being the choice; good ones once `heal` was called.
    init(_ answers: [Answer], seed: UInt64 = 1) { state.withLock { $0 = Script(answers: answers, random: SplitMix64(seed: seed)) } }

    func heal() { state.withLock { $0.answers = [.good] } }

    var sums: [String: UInt64] { collected.withLock { ["one": $0.sum("one"), "two": $0.sum("two")] } }

    func answer(_ request: ScriptedRequest, _ connection: ScriptedConnection) throws {
        let answer = state.withLock { $0.answers.randomElement(using: &$0.random) ?? .good }
        let body = request.header("content-encoding") == "gzip" ? try Gzip.unpacked(request.body, maxBytes: 64 << 20) : request.body
        let type = ("Content-Type", "application/x-protobuf")
        func take() { collected.withLock { $0.take(body) } }
        switch answer {
        case .good:
            take()
            try connection.respond(200, headers: [type])
        case .partial:
            // Leaves out the first point of the request, and says so.
            var request = try OTLPExportMetricsServiceRequest(serializedBytes: body)
            let point = request.resourceMetrics[0].scopeMetrics[0].metrics[0].sum.dataPoints.removeFirst()
            rejected.withLock { $0 += UInt64(point.asInt) }
            collected.withLock { $0.take(request) }
            var response = OTLPExportMetricsServiceResponse()
            response.partialSuccess.rejectedDataPoints = 1
            try connection.respond(200, headers: [type], body: try response.serializedBytes())
        case .garbageBody:
            take()
            try connection.respond(200, headers: [type], body: [0xff, 0xff, 0xff])
        case .cutBody:
            take()
            try connection.write(ScriptedConnection.head(200, [type, ("Content-Length", "100")]) + [0x0a])
            connection.close()
        case .tooMany: try connection.respond(429, headers: [("Retry-After", "0")])
        case .unavailable: try connection.respond(503)
        case .refusal: try connection.respond(400, headers: [("Content-Type", "text/plain")], "no")
        case .reset: connection.reset()
        case .hang: try connection.hang()
        case .noHTTP:
            try connection.write("SSH-2.0-nonsense\r\n")
            connection.close()
        }
    }
}

@Suite("otlp: exporter", .serialized)
struct ExporterTests {
    private static let start = ContinuousClock.now
    static var wallClock: UInt64 {
        // In this order: the first look makes `start`.
        let start = start
        return 1_800_000_000_000_000_000 + UInt64((ContinuousClock.now - start).nanoseconds)
    }

    /// Runs an exporter over the series of `body` until that ends, then lets it finish.
    static func export(
        _ yaml: String, registry: MetricRegistry, series: SeriesReader, _ body: @Sendable () async throws -> Void
    ) async throws {
        let (options, problems) = OTLPOptions.reading(yaml)
        #expect(problems.isEmpty)
        let context = PluginContext.testing("otlp", metrics: registry, wallClock: { Self.wallClock })
        let exporter = OTLPExporter(try Settings(options, environment: [:]), context)
        try await withThrowingTaskGroup { group in
            group.addTask { do { try await exporter.run(series) } catch is CancellationError {} }
            // Nothing is counted before the exporter looks: so it is in the agent, whose first window is yet to end.
            while counter(registry, "weir_otlp_readings_total") == 0 { try await Task.sleep(for: .milliseconds(1)) }
            try await body()
            group.cancelAll()
        }
        await exporter.finish(series)
    }

    @Test("series arrive with resource, scope and headers, packed, and again after the end nothing is owed", arguments: Temporality.allCases)
    func plain(_ temporality: Temporality) async throws {
        let receiver = MisbehavingReceiver([.good])
        let server = try ScriptedServer { try receiver.answer($0, $1) }
        let series = Mutex(FakeSeries("one"))
        let registry = MetricRegistry(began: 5)
        let yaml = """
            { endpoint: '\(server.url)/base/', interval: 100ms, temporality: \(temporality.rawValue), headers: { x-tenant: payments },
              resource: { deployment.environment.name: test, host.name: written } }
            """
        try await Self.export(yaml, registry: registry, series: SeriesReader { [series.withLock { $0.snapshot }] }) {
            for _ in 0..<10 {
                series.withLock { $0.count("a", 10, at: Self.wallClock) }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        #expect(receiver.collected.withLock { $0.sum("one") } == 100)
        #expect(receiver.collected.withLock { $0.faults } == [])
        #expect(server.failures == [])
        let request = try #require(server.requests.first)
        #expect(request.method == "POST" && request.target == "/base/v1/metrics")
        #expect(request.header("content-type") == "application/x-protobuf" && request.header("content-encoding") == "gzip")
        #expect(request.header("x-tenant") == "payments" && request.header("user-agent") == "weir/0.0.0")
        let message = try #require(receiver.collected.withLock { $0.requests.first }?.resourceMetrics.first)
        let attributes = Dictionary(uniqueKeysWithValues: message.resource.attributes.map { ($0.key, $0.value.text) })
        #expect(
            attributes == [
                "service.name": "weir", "service.version": "0.0.0", "service.instance.id": "node-1", "host.name": "written",
                "deployment.environment.name": "test",
            ])
        #expect(message.scopeMetrics.first?.scope.name == "weir")
        #expect(counter(registry, "weir_otlp_lost_total") == 0 && counter(registry, "weir_otlp_up") == 1)
        #expect(counter(registry, "weir_otlp_requests_total", "delivered") == UInt64(server.requests.count))
    }

    @Test("the agent's own counters go along when asked for, once each, seconds as fractions, gauges as gauges")
    func ownMetrics() async throws {
        let receiver = MisbehavingReceiver([.good])
        let server = try ScriptedServer { try receiver.answer($0, $1) }
        let registry = MetricRegistry(began: 5)
        registry.counter("weir_test_seconds_total", "Time.", [("stage", "a")], scale: .nanoseconds).add(1_500_000_000)
        registry.gauge("weir_test_series", "Series.").set(7)
        try await Self.export("{ endpoint: '\(server.url)', interval: 100ms, own_metrics: true }", registry: registry, series: SeriesReader { [] }) {
            _ = await server.waitForRequests(2)
        }
        let request = try #require(receiver.collected.withLock { $0.requests.last })
        let metrics = request.resourceMetrics[0].scopeMetrics[0].metrics
        let time = try #require(metrics.first { $0.name == "weir_test_seconds" })
        #expect(time.sum.dataPoints.map(\.asDouble) == [1.5] && time.unit == "s" && time.sum.dataPoints[0].startTimeUnixNano == 5)
        #expect(time.sum.dataPoints[0].attributes.map(\.key) == ["stage"])
        let gauge = try #require(metrics.first { $0.name == "weir_test_series" })
        #expect(gauge.gauge.dataPoints.map(\.asInt) == [7])
        #expect(receiver.collected.withLock { $0.faults } == [])
    }

    @Test("whatever the receiver does, what arrives is what was counted less what is counted as lost", arguments: Temporality.allCases, 1...3)
    func law(_ temporality: Temporality, _ run: Int) async throws {
        let seed = SplitMix64.freshSeed
        let trouble: [MisbehavingReceiver.Answer] = [.good, .good, .garbageBody, .cutBody, .tooMany, .unavailable, .reset, .noHTTP]
        let receiver = MisbehavingReceiver(run == 1 ? trouble : trouble + [.refusal, .hang], seed: seed)
        let server = try ScriptedServer { try receiver.answer($0, $1) }
        let world = Mutex([FakeSeries("one"), FakeSeries("two")])
        let registry = MetricRegistry()
        let yaml = """
            { endpoint: '\(server.url)', interval: 100ms, timeout: 200ms, temporality: \(temporality.rawValue), max_batch_points: 7, max_gone_series: 20,
              compression: \(run == 2 ? "none" : "gzip") }
            """
        try await Self.export(yaml, registry: registry, series: SeriesReader { world.withLock { $0.map(\.snapshot) } }) {
            var random = SplitMix64(seed: seed)
            for _ in 0..<150 {
                world.withLock { world in
                    for index in world.indices {
                        for _ in 0..<Int.random(in: 0...5, using: &random) {
                            world[index].count(
                                "z\(Int.random(in: 0...9, using: &random))", .random(in: 1...100, using: &random), at: Self.wallClock)
                        }
                        if Int.random(in: 0...9, using: &random) == 0, let text = world[index].texts.randomElement(using: &random) {
                            world[index].expire(text)
                        }
                    }
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            receiver.heal()
        }
        let counted = world.withLock { $0.reduce(0) { $0 + $1.counted } }
        let lost = counter(registry, "weir_otlp_lost_total")
        let arrived = receiver.sums.values.reduce(0, +)
        #expect(arrived + lost == counted, "seed \(seed)")
        #expect(receiver.collected.withLock { $0.faults } == [], "seed \(seed)")
        #expect(server.failures == [], "seed \(seed)")
        if run == 1 { #expect(counter(registry, "weir_otlp_lost_total", "refused") == 0) }
    }

    static func made(_ yaml: String, _ registry: MetricRegistry) throws -> OTLPExporter {
        let (options, problems) = OTLPOptions.reading(yaml)
        #expect(problems.isEmpty)
        return OTLPExporter(
            try Settings(options, environment: [:]), PluginContext.testing("otlp", metrics: registry, wallClock: { Self.wallClock }))
    }

    static func run(_ exporter: OTLPExporter, _ series: SeriesReader, _ body: @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { do { try await exporter.run(series) } catch is CancellationError {} }
            try await body()
            group.cancelAll()
        }
    }

    @Test(
        "over a reload while the receiver is away nothing is lost and nothing comes twice, the agent's own counters included",
        arguments: Temporality.allCases, [MisbehavingReceiver.Answer.unavailable, .hang, .good])
    func reload(_ temporality: Temporality, _ trouble: MisbehavingReceiver.Answer) async throws {
        let receiver = MisbehavingReceiver([trouble])
        let server = try ScriptedServer { try receiver.answer($0, $1) }
        let world = Mutex([FakeSeries("one"), FakeSeries("two")])
        let series = SeriesReader { world.withLock { $0.map(\.snapshot) } }
        let registry = MetricRegistry(began: 1_800_000_000_000_000_000)
        let own = registry.counter("weir_test_things_total", "Things.")
        let yaml = "endpoint: '\(server.url)', interval: 100ms, temporality: \(temporality.rawValue), own_metrics: true"
        @Sendable func count(_ texts: String...) {
            world.withLock { for text in texts { for index in $0.indices { $0[index].count(text, 10, at: Self.wallClock) } } }
            own.add(100)
        }
        let first = try Self.made("{ \(yaml), timeout: 300ms }", registry)
        try await Self.run(first, series) {
            while counter(registry, "weir_otlp_readings_total") == 0 { try await Task.sleep(for: .milliseconds(1)) }
            count("a", "b")
            _ = await server.waitForRequests(2)
            count("a", "c")
            world.withLock { $0[0].expire("b") }
        }
        // Seen by no reading before the reload.
        count("a", "d")
        let second = try Self.made("{ \(yaml), compression: none, max_batch_points: 3 }", registry)
        #expect(second.goesOn(from: first))
        await second.takeOver(from: first, series)
        world.withLock { for index in $0.indices { $0[index].reload() } }
        receiver.heal()
        try await Self.run(second, series) {
            let before = counter(registry, "weir_otlp_delivered_points_total")
            count("a", "e")
            while counter(registry, "weir_otlp_delivered_points_total") < before + 10 { try await Task.sleep(for: .milliseconds(10)) }
        }
        await second.finish(series)
        let counted = world.withLock { $0.reduce(0) { $0 + $1.counted } }
        #expect(receiver.sums.values.reduce(0, +) == counted)
        #expect(receiver.collected.withLock { $0.sum("weir_test_things") } == own.current)
        #expect(receiver.collected.withLock { $0.faults } == [])
        #expect(counter(registry, "weir_otlp_lost_total") == 0)
    }

    @Test("another receiver, or another way to tell it, is no heir")
    func strangers() throws {
        let registry = MetricRegistry()
        let first = try Self.made("{ endpoint: 'http://one', temporality: delta }", registry)
        for (yaml, isHeir) in [
            ("{ endpoint: 'http://one', temporality: delta, interval: 5s }", true), ("{ endpoint: 'http://two', temporality: delta }", false),
            ("{ endpoint: 'http://one' }", false),
        ] {
            #expect(try Self.made(yaml, registry).goesOn(from: first) == isHeir, "\(yaml)")
        }
    }

    @Test("a partial success is counted by points, and nothing is sent twice for it")
    func partial() async throws {
        let receiver = MisbehavingReceiver([.partial])
        let server = try ScriptedServer { try receiver.answer($0, $1) }
        let series = Mutex(FakeSeries("one"))
        let registry = MetricRegistry()
        try await Self.export(
            "{ endpoint: '\(server.url)', interval: 100ms, temporality: delta }", registry: registry,
            series: SeriesReader { [series.withLock { $0.snapshot }] }
        ) {
            for _ in 0..<10 {
                for text in ["a", "b", "c"] { series.withLock { $0.count(text, 10, at: Self.wallClock) } }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        #expect(receiver.collected.withLock { $0.sum("one") } + receiver.rejected.withLock { $0 } == 300)
        #expect(counter(registry, "weir_otlp_rejected_points_total") == UInt64(server.requests.count))
    }

    @Test("a receiver that is away at the end costs less than three seconds, and what it did not take is counted", arguments: Temporality.allCases)
    func away(_ temporality: Temporality) async throws {
        let receiver = MisbehavingReceiver([.unavailable])
        let server = try ScriptedServer { try receiver.answer($0, $1) }
        let series = Mutex(FakeSeries("one"))
        let registry = MetricRegistry()
        let clock = Mutex(ContinuousClock.now)
        try await Self.export(
            "{ endpoint: '\(server.url)', interval: 100ms, temporality: \(temporality.rawValue) }", registry: registry,
            series: SeriesReader { [series.withLock { $0.snapshot }] }
        ) {
            series.withLock { $0.count("a", 10, at: Self.wallClock) }
            _ = await server.waitForRequests(1)
            series.withLock { $0.count("a", 5, at: Self.wallClock) }
            clock.withLock { $0 = .now }
        }
        #expect(.now - clock.withLock { $0 } < .seconds(3))
        #expect(counter(registry, "weir_otlp_lost_total", "stop") == 15)
        #expect(counter(registry, "weir_otlp_up") == 0)
    }

    @Test("Retry-After is obeyed, and what is counted meanwhile comes in one piece")
    func obedience() async throws {
        let times = Mutex<[ContinuousClock.Instant]>([])
        let receiver = MisbehavingReceiver([.good])
        let server = try ScriptedServer { request, connection in
            let isFirst = times.withLock { times in
                times.append(.now)
                return times.count == 1
            }
            if isFirst { try connection.respond(429, headers: [("Retry-After", "1")]) } else { try receiver.answer(request, connection) }
        }
        let series = Mutex(FakeSeries("one"))
        let registry = MetricRegistry()
        try await Self.export(
            "{ endpoint: '\(server.url)', interval: 100ms, temporality: delta }", registry: registry,
            series: SeriesReader { [series.withLock { $0.snapshot }] }
        ) {
            while times.withLock({ $0.count }) < 3 {
                series.withLock { $0.count("a", 10, at: Self.wallClock) }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        let (first, second) = times.withLock { ($0[0], $0[1]) }
        #expect(second - first >= .seconds(1))
        #expect(receiver.collected.withLock { $0.sum("one") } == series.withLock { $0.counted })
        // The first request again, then everything since as one point.
        #expect(receiver.collected.withLock { $0.points.count } <= times.withLock { $0.count } - 1)
    }

    /// Says yes to `Bearer new` alone; the file is changed when the first request comes, as a rotation does.
    @Test("a secret that is new in the file costs no points, and one that is wrong is refused once", arguments: [true, false])
    func secrets(_ isRotated: Bool) async throws {
        let secret = Mutex("old")
        let receiver = MisbehavingReceiver([.good])
        let server = try ScriptedServer { request, connection in
            if request.header("authorization") == "Bearer new" { return try receiver.answer(request, connection) }
            if isRotated { secret.withLock { $0 = "new" } }
            try connection.respond(401)
        }
        let files = ConfigFiles { (_, _) throws(ConfigFileError) in Array("Authorization: Bearer \(secret.withLock { $0 })".utf8) }
        let yaml = "{ endpoint: '\(server.url)', interval: 100ms, headers_file: token, temporality: delta }"
        let (options, problems) = OTLPOptions.reading(yaml, files: files)
        #expect(problems == [])
        let registry = MetricRegistry()
        let exporter = OTLPExporter(try Settings(options, environment: [:]), .testing("otlp", metrics: registry, wallClock: { Self.wallClock }))
        let world = Mutex(FakeSeries("one"))
        let series = SeriesReader { [world.withLock { $0.snapshot }] }
        try await Self.run(exporter, series) {
            while counter(registry, "weir_otlp_readings_total") == 0 { try await Task.sleep(for: .milliseconds(1)) }
            world.withLock { $0.count("a", 10, at: Self.wallClock) }
            while counter(registry, "weir_otlp_failures_total", "http_401") == 0 { try await Task.sleep(for: .milliseconds(1)) }
            secret.withLock { $0 = "new" }
            world.withLock { $0.count("a", 5, at: Self.wallClock) }
            while counter(registry, "weir_otlp_delivered_points_total") == 0 { try await Task.sleep(for: .milliseconds(10)) }
        }
        await exporter.finish(series)
        #expect(receiver.collected.withLock { $0.sum("one") } == (isRotated ? 15 : 5))
        #expect(counter(registry, "weir_otlp_lost_total", "refused") == (isRotated ? 0 : 10))
        #expect(counter(registry, "weir_otlp_refused_points_total", "http_401") == (isRotated ? 0 : 1))
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WeirKit
import WeirPipeline
import WeirTesting

/// A client of `weir tap` that takes what waits when a test says so.
private final class Client {
    let queue: TapQueue
    private(set) var records: [[String: String]] = []
    private(set) var stages: [[String: UInt8]] = []
    private(set) var lines: [String] = []
    private(set) var lost: UInt64 = 0
    private(set) var gaps = 0

    init(_ registry: MetricRegistry, limit: Int = TapQueue.maxBytes) { queue = TapQueue(TapBook(registry), limit: limit) {} }

    /// False when nothing waits.
    func takeOne() -> Bool {
        switch queue.next() {
        case nil: return false
        case .line(let line): lines.append(String(decoding: line, as: UTF8.self))
        case .lost(let count):
            lost += count
            gaps += 1
        case .records(let found):
            for row in found.batch.rows {
                var texts = ["bytes": "\(found.batch.bytes[row])"]
                var answered: [String: UInt8] = [:]
                for (column, attribute) in found.batch.attributes.enumerated() {
                    switch found.batch.value(column, row) {
                    case .text(let text): texts[attribute.name] = text
                    case .number(let number): texts[attribute.name] = "\(number)"
                    case nil: break
                    }
                    if !found.answeredBy[column].isEmpty { answered[attribute.name] = found.answeredBy[column][row] }
                }
                records.append(texts)
                stages.append(answered)
            }
            queue.delivered(UInt64(found.count))
        }
        return true
    }

    func takeAll() { while takeOne() {} }

    var bytes: UInt64 { records.reduce(0) { $0 + UInt64($1["bytes"] ?? "")! } }
}

extension PipelineFixture {
    fileprivate var catalog: Catalog { Catalog(declared: plan.input.enrichers.flatMap { $0.stage.enricher.map { Array($0.writes) } ?? [] }) }

    /// A tap with everything that the plan captures, unless columns are named.
    fileprivate func tap(_ client: Client, filter: String? = nil, columns: [String]? = nil, explains: Bool = false) throws -> LiveTap {
        let attributes = columns?.compactMap(catalog.named) ?? catalog.all.filter { plan.captures($0) }
        let tap = LiveTap(
            filter: try filter.map { try Filter($0, catalog) }, attributes: attributes, explains: explains, announcement: Array("hello\n".utf8),
            queue: client.queue)
        taps.add(tap)
        return tap
    }
}

@Suite struct LiveTapTests {
    private static let zones = "metrics: { network.flow.bytes: [src.zone, dst.zone] }"
    private static let table: [String: [Attribute: Answer]] = [
        "10.0.0.4": [.zone: .text("a"), .ownerName: .text("frontend")], "10.0.0.5": [.zone: .text("b")],
    ]

    @Test("a client gets what the series get, with both addresses and what else the plan captures, whatever is exported")
    func everything() throws {
        var fixture = PipelineFixture(Self.zones, enrichers: [TableStage(Self.table).instance])
        let client = Client(fixture.registry)
        _ = try fixture.tap(client)
        fixture.window([CapturedFlow("10.0.0.4", "10.0.0.5", bytes: 7), CapturedFlow("10.0.0.5", "10.0.0.9", bytes: 5)])
        client.takeAll()
        #expect(client.lines == ["hello\n"])
        #expect(
            client.records == [
                [
                    "src.address": "10.0.0.4", "dst.address": "10.0.0.5", "src.zone": "a", "dst.zone": "b", "observer": "source",
                    "network.type": "ipv4",
                    "bytes": "7",
                ],
                ["src.address": "10.0.0.5", "dst.address": "10.0.0.9", "src.zone": "b", "observer": "source", "network.type": "ipv4", "bytes": "5"],
            ])
        #expect(client.bytes == fixture.values("network.flow.bytes").values.reduce(0, +))
    }

    @Test("who leaves gets nothing any more, and who comes between two windows what follows")
    func comesAndGoes() throws {
        var fixture = PipelineFixture(Self.zones)
        let flow = CapturedFlow("10.0.0.4", "10.0.0.5", bytes: 1)
        let client = Client(fixture.registry)
        fixture.window([flow])
        let tap = try fixture.tap(client)
        fixture.window([flow, flow])
        fixture.taps.remove(tap)
        fixture.window([flow])
        client.takeAll()
        #expect(client.records.count == 2)
        #expect(fixture.metric("weir_tap_offered_records_total") == 2)
    }

    @Test("the numbers say which stage answered: the first that did, the pipeline, or nobody")
    func answeredBy() throws {
        let second: [String: [Attribute: Answer]] = ["10.0.0.4": [.zone: .text("z")], "10.0.0.9": [.zone: .text("c")]]
        var fixture = PipelineFixture(
            "metrics: { network.flow.bytes: [src.zone, dst.zone, src.owner.name, dst.owner.name] }",
            enrichers: [TableStage(Self.table).instance(named: "first"), TableStage(writes: [.zone], second).instance(named: "second")])
        let client = Client(fixture.registry)
        _ = try fixture.tap(client, columns: ["src.zone", "dst.zone", "src.owner.name", "dst.owner.name", "observer"], explains: true)
        fixture.window([CapturedFlow("10.0.0.4", "10.0.0.9"), CapturedFlow("10.0.0.8", "10.0.0.5")])
        client.takeAll()
        #expect(
            client.stages == [
                ["src.zone": 1, "dst.zone": 2, "src.owner.name": 1, "dst.owner.name": 255],
                ["src.zone": 0, "dst.zone": 1, "src.owner.name": 255, "dst.owner.name": 255],
            ])
        #expect(fixture.plan.stagesAsked(for: .zone).map(\.name) == ["first", "second"])
        #expect(fixture.plan.stagesAsked(for: .ownerName).map(\.place) == [0])
    }

    @Test("sent + lost = offered, to the record and to the byte, however the client reads", arguments: 0..<6)
    func law(_ salt: UInt64) throws {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed &+ salt)
        var fixture = PipelineFixture(
            "metrics: { network.flow.bytes: [src.zone, dst.port], test: { measure: bytes, filter: 'dst.port < 300', attributes: [] } }")
        // From one that holds next to nothing to one that holds all.
        let client = Client(fixture.registry, limit: [0, 2000, 40_000, 200_000, 1_000_000, TapQueue.maxBytes][Int(salt)])
        let filtered = Client(fixture.registry)
        _ = try fixture.tap(client)
        _ = try fixture.tap(filtered, filter: "dst.port < 300", columns: ["dst.port"])
        func balances() -> Bool {
            fixture.metric("weir_tap_offered_records_total")
                == fixture.metric("weir_tap_delivered_records_total") + fixture.metric("weir_tap_queued_records")
                + fixture.metric("weir_tap_lost_total")
        }
        var sent: UInt64 = 0
        for _ in 0..<20 {
            let flows = (0..<random.below(9000)).map { _ in
                CapturedFlow("10.0.0.\(random.below(200))", "10.1.0.1", bytes: UInt64(random.below(1500)), ports: (1, UInt16(random.below(600))))
            }
            sent += UInt64(flows.count)
            fixture.window(flows)
            #expect(balances(), "seed \(seed)")
            for _ in 0..<random.below(30) where client.takeOne() {}
            filtered.takeAll()
            #expect(balances(), "seed \(seed)")
        }
        client.takeAll()
        #expect(UInt64(client.records.count) + client.lost == sent, "seed \(seed)")
        #expect(filtered.lost == 0 && filtered.bytes == fixture.values("test")[""], "seed \(seed)")
        #expect(fixture.metric("weir_tap_queued_records") == 0 && balances())
        if salt == 0 { #expect(client.records.isEmpty) }
        if salt == 5 { #expect(client.lost == 0) }
    }

    @Test("one who does not read makes one gap and no memory, and what waited for one who went is lost under its own reason")
    func silent() throws {
        var fixture = PipelineFixture("metrics: { network.flow.bytes: [] }")
        let client = Client(fixture.registry, limit: 100_000)
        _ = try fixture.tap(client)
        for _ in 0..<50 { fixture.window((0..<5000).map { CapturedFlow("10.0.\($0 / 250).\($0 % 250)", "10.1.0.1") }) }
        let waiting = fixture.metric("weir_tap_queued_records")
        #expect((1...8000).contains(waiting))
        #expect(fixture.metric("weir_tap_lost_total", "queue_full") == 250_000 - waiting)
        #expect(client.takeOne())
        client.queue.close()
        #expect(!client.takeOne())
        #expect(fixture.metric("weir_tap_queued_records") == 0)
        #expect(fixture.metric("weir_tap_lost_total", "closed") == waiting)
        fixture.window([CapturedFlow("10.0.0.4", "10.1.0.1")])
        #expect(fixture.metric("weir_tap_lost_total", "closed") == waiting + 1)
    }

    @Test("behind a gap there is room for half a queue before the next one")
    func oneGap() throws {
        var fixture = PipelineFixture("metrics: { network.flow.bytes: [] }")
        let client = Client(fixture.registry, limit: 100_000)
        _ = try fixture.tap(client)
        let flows = (0..<20_000).map { CapturedFlow("10.0.\($0 / 250).\($0 % 250)", "10.1.0.1") }
        fixture.window(flows)
        // One place is free now, and it is not used before half of all are.
        while client.records.isEmpty { _ = client.takeOne() }
        fixture.window(flows)
        client.takeAll()
        #expect(client.gaps == 1)
        fixture.window(Array(flows.prefix(500)))
        client.takeAll()
        #expect(client.gaps == 1 && UInt64(client.records.count) + client.lost == 40_500)
    }

    @Test("a filter that takes too long costs the pipeline a moment, and its client the tap")
    func slowFilter() throws {
        struct LongNames: EndpointEnricher {
            let writes: Set<Attribute> = [.name]
            func enrich(_ endpoints: inout EndpointBatch) {
                for row in endpoints.rows {
                    endpoints.answer(.name, row, .text(String(repeating: "a", count: 200) + "\(endpoints.address(row))"))
                }
            }
        }
        var fixture = PipelineFixture(
            "metrics: { network.flow.bytes: [src.name] }", enrichers: [EnricherInstance(name: "long", stage: .endpoint(LongNames()))])
        let client = Client(fixture.registry)
        let patterns = (0..<40).map { "src.name =~ \"(a+)+(a|aa)+[^a0-9.]\($0)$\"" }
        _ = try fixture.tap(client, filter: patterns.joined(separator: " or "))
        let start = ContinuousClock.now
        fixture.window((0..<4096).map { CapturedFlow("10.0.\($0 / 250).\($0 % 250)", "10.1.0.1", bytes: 1) })
        let took = ContinuousClock.now - start
        #expect(client.queue.failure?.contains("takes too long") == true)
        #expect(took < .seconds(2), "\(took)")
        #expect(fixture.values("network.flow.bytes").values.reduce(0, +) == 4096)
        #expect(fixture.metric("weir_tap_offered_records_total") == 0)
    }

    @Test("a filter that forgets says the same as one that remembers, though names go and their numbers come back")
    func briefAnswers() throws {
        let filter = "dst.owner.name ~ \"*7\" or dst.owner.name =~ \"of 10[.].*[.]1?3$\""
        var fixture = PipelineFixture(
            """
            pipeline: { max_endpoints: 16384, series_ttl: 10s, born_at_zero: 5s }
            metrics: { test: { measure: bytes, filter: '\(filter)', attributes: [] }, network.flow.bytes: [dst.owner.name] }
            """, enrichers: [EnricherInstance(name: "inventing", stage: .endpoint(InventingStage()))])
        let client = Client(fixture.registry, limit: .max)
        _ = try fixture.tap(client, filter: filter, columns: ["dst.owner.name"])
        var random = SplitMix64(seed: 11)
        for _ in 0..<10 {
            fixture.window(
                (0..<20_000).map { _ in CapturedFlow("10.0.0.1", "10.\(random.below(9)).\(random.below(250)).\(random.below(250))", bytes: 3) })
            client.takeAll()
        }
        #expect(client.bytes > 0 && client.bytes == fixture.values("test")[""])
    }

    @Test(
        "what a plan does not capture is named; what it does can be tapped, whatever the plan",
        arguments: [
            "metrics: { network.flow.bytes: [] }", "metrics: { network.flow.bytes: [dst.port] }",
            "metrics: { network.flow.bytes: [src.zone, traffic.scope, iface] }", "metrics: { network.flow.bytes: [server.port, src.name] }", "",
        ])
    func captured(_ yaml: String) throws {
        var fixture = PipelineFixture(yaml, enrichers: [TableStage(Self.table).instance])
        let client = Client(fixture.registry)
        let catalog = fixture.catalog
        let captured = Set(catalog.all.filter { fixture.plan.captures($0) }.map(\.name))
        _ = try fixture.tap(client, explains: true)
        fixture.window([CapturedFlow("10.0.0.4", "10.0.0.5", ports: (40_000, 80))])
        client.takeAll()
        #expect(Set(client.records.flatMap(\.keys)).subtracting(["bytes"]).isSubset(of: captured))
        #expect(captured.isSuperset(of: ["src.address", "dst.address", "observer", "network.type"]))
        #expect(captured.contains("dst.port") == !fixture.plan.keyFields.isDisjoint(with: .ports))
        #expect(captured.contains("traffic.scope") == (yaml.contains("scope") || yaml.isEmpty))
        #expect(captured.contains("iface") == yaml.contains("iface"))
        let port = try #require(catalog.named("src_port"))
        #expect(port.notCaptured == "src.port: not captured by the running plan; add it to a metric or exporter")
        #expect(Filter.place(of: port, in: "not (src_zone == \"src.port\" or src_port > 7)", catalog) == 32)
    }
}

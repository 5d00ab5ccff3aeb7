// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirKit
import WeirPipeline
import WeirTesting

/// The pipeline beside a sum over dictionaries that anyone can check by reading.
@Suite struct ReferenceTests {
    /// Owner and zone follow from the address; some addresses have none.
    private struct Answers: EndpointEnricher {
        let writes: Set<Attribute> = [.ownerName, .zone]
        static func owner(_ address: IPAddress) -> String? { address.low % 11 == 0 ? nil : "o\(address.low % 37)" }
        static func zone(_ address: IPAddress) -> String? { address.low % 5 == 0 ? nil : "z\(address.low % 3)" }

        func enrich(_ endpoints: inout EndpointBatch) {
            for row in endpoints.rows {
                if let owner = Self.owner(endpoints.address(row)) { endpoints.answer(.ownerName, row, .text(owner)) }
                if let zone = Self.zone(endpoints.address(row)) { endpoints.answer(.zone, row, .text(zone)) }
            }
        }
    }

    /// No attributes, an odd and an even number of them; one list with and without filters, and with every kind of test.
    private static let metrics = """
        metrics:
          none: { measure: bytes, attributes: [] }
          port: { measure: packets, filter: 'dst.port == 80', attributes: [] }
          and_not: { measure: bytes, filter: 'src.zone == "z1" and not (dst.port in [80, 443] or bytes < 100)', attributes: [src.owner.name, dst.zone, dst.port] }
          all: { measure: packets, attributes: [src.owner.name, dst.zone, dst.port] }
          pattern: { measure: bytes, filter: 'not (src.zone ~ "z*") or transport == "UDP" and dst.owner.name =~ "^o[12]"', attributes: [src.owner.name, dst.zone, dst.port] }
          range: { measure: bytes, filter: 'dst.address in 10.0.1.0/24', attributes: [src.owner.name, dst.zone, dst.port] }
          never: { measure: bytes, filter: 'bytes == 1 and bytes == 2', attributes: [observer, network.type, transport, src.zone, dst.zone] }
          five: { measure: bytes, attributes: [observer, network.type, transport, src.zone, dst.zone] }
        """

    /// A pipeline that goes on with the series of another, whose clock had run for `age`.
    private static func fixture(_ yaml: String, after previous: SeriesBook?, _ age: UInt64, _ seed: UInt64) -> PipelineFixture {
        var fixture = PipelineFixture(
            yaml, enrichers: [EnricherInstance(name: "answers", stage: .endpoint(Answers()))], adopting: previous, hashSeed: seed)
        fixture.window([], nanoseconds: age)
        return fixture
    }

    private static func expect(_ flow: CapturedFlow, _ sums: inout [String: [String: UInt64]]) {
        let owner = Answers.owner(flow.source) ?? "(private)"
        let zones = (Answers.zone(flow.source) ?? "", Answers.zone(flow.destination) ?? "")
        let transport = flow.transport == 6 ? "TCP" : flow.transport == 17 ? "UDP" : "255"
        let three = [owner, zones.1, String(flow.destinationPort)].joined(separator: "|")
        func add(_ metric: String, _ key: String, _ value: UInt64) { sums[metric, default: [:]][key, default: 0] += value }
        add("none", "", flow.bytes)
        if flow.destinationPort == 80 { add("port", "", flow.packets) }
        if zones.0 == "z1", ![80, 443].contains(flow.destinationPort), flow.bytes >= 100 { add("and_not", three, flow.bytes) }
        add("all", three, flow.packets)
        let named = Answers.owner(flow.destination).map { $0.hasPrefix("o1") || $0.hasPrefix("o2") } ?? false
        if zones.0.isEmpty || transport == "UDP" && named { add("pattern", three, flow.bytes) }
        if flow.destination.low & 0xffff_ff00 == 0x0a00_0100 { add("range", three, flow.bytes) }
        add("five", [flow.observer.name, "ipv4", transport, zones.0, zones.1].joined(separator: "|"), flow.bytes)
    }

    private static func flows(_ count: Int, _ ends: ClosedRange<UInt32>, _ random: inout SplitMix64) -> [CapturedFlow] {
        (0..<count).map { _ in
            var flow = CapturedFlow(
                source: IPAddress(ipv4: 0x0a00_0000 | .random(in: ends, using: &random)),
                destination: IPAddress(ipv4: 0x0a00_0000 | .random(in: ends, using: &random)), bytes: .random(in: 1...300, using: &random),
                packets: .random(in: 1...9, using: &random), observer: Observer.allCases.randomElement(using: &random) ?? .source)
            flow.destinationPort = [80, 443, 5000, 65_535].randomElement(using: &random) ?? 0
            flow.transport = [6, 17, 255].randomElement(using: &random) ?? 0
            flow.sourceIsHost = .random(in: 0...50, using: &random) == 0
            return flow
        }
    }

    @Test("every series of every metric is what a plain sum gives, over batches, evictions, new knowledge and a reload", arguments: 1...6)
    func plainSums(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let yaml = "pipeline: { max_series: 1000000, max_values: 1000000, max_endpoints: 16384, series_ttl: 86400s }\n" + Self.metrics
        var expected: [String: [String: UInt64]] = [:]
        var previous: SeriesBook?
        var age: UInt64 = 1
        for _ in 0..<2 {
            var fixture = Self.fixture(yaml, after: previous, age, seed)
            for _ in 0..<4 {
                fixture.begin()
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    let count = [0, 1, 4095, 4096, 4097, 9000].randomElement(using: &random) ?? 0
                    let news: [EndpointSelection] = [.all, .value(.zone, "z1")] + (CIDR("10.0.0.0/9").map { [.prefix($0)] } ?? [])
                    if Bool.random(using: &random), let news = news.randomElement(using: &random) { fixture.invalidations.add(news) }
                    let flows = Self.flows(count, 0...(Bool.random(using: &random) ? 0xffff : 600), &random)
                    for flow in flows { Self.expect(flow, &expected) }
                    fixture.pipeline.consume(flows.span)
                }
                fixture.end()
                for metric in fixture.plan.input.metrics { #expect(fixture.values(metric.name) == expected[metric.name] ?? [:], "\(metric.name)") }
            }
            fixture.pipeline.finish()
            previous = fixture.series
            age = fixture.now - 1_000_000_000_000
        }
    }

    @Test("with tight limits, series that expire and four reloads the sum of a metric is still all that came", arguments: 1...4)
    func tightLimits(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let yaml = """
            pipeline: { max_series: 30, max_values: 12, max_endpoints: 16384, series_ttl: 7s, born_at_zero: 5s }
            metrics:
              none: { measure: bytes, attributes: [] }
              some: { measure: bytes, filter: 'dst.port in [80, 443]', attributes: [src.owner.name, dst.zone, dst.port] }
              all: { measure: bytes, attributes: [src.owner.name, dst.zone, dst.port] }
              few: { measure: bytes, max_series: 3, attributes: [src.owner.name, dst.zone, dst.port] }
            """
        var previous: SeriesBook?
        var age: UInt64 = 1
        var sum: UInt64 = 0
        var differences = Differences()
        for _ in 0..<4 {
            var fixture = Self.fixture(yaml, after: previous, age, seed)
            differences.reload()
            for _ in 0..<8 {
                let first = UInt32.random(in: 0...400, using: &random)
                let flows = Self.flows([0, 1, 50, 4097].randomElement(using: &random) ?? 0, first...first + 20, &random)
                sum += flows.reduce(0) { $0 + $1.bytes }
                fixture.window(flows)
                differences.read(fixture.series.reader().read(bornAtZero: false))
                for name in ["none", "some", "all", "few"] {
                    let shown = fixture.values(name)
                    let gone = fixture.metric("weir_series_expired_value_total", name) + fixture.metric("weir_series_filtered_value_total", name)
                    #expect(shown.values.reduce(0, +) + gone == sum, "\(name)")
                    let filtered = fixture.metric("weir_series_filtered_value_total", name)
                    #expect(differences.sums[name, default: 0] == sum - filtered, "\(name): by differences")
                    #expect(differences.totals[name] == sum - filtered, "\(name): with what expired")
                    #expect(shown.count <= 31 && fixture.metric("weir_series", name) == UInt64(shown.count), "\(name)")
                }
            }
            fixture.pipeline.finish()
            previous = fixture.series
            age = fixture.now - 1_000_000_000_000
        }
    }

    /// What an exporter of differences makes of the snapshots it reads, with nothing to go by but the series' numbers.
    private struct Differences {
        var sums: [String: UInt64] = [:]
        var totals: [String: UInt64] = [:]
        private var last: [String: [UInt64: UInt64]] = [:]
        private var gone: [String: Set<UInt64>] = [:]

        /// The exporter of the next configuration knows nothing of the one before.
        mutating func reload() { last = [:] }

        mutating func read(_ snapshots: [MetricSnapshot]) {
            for snapshot in snapshots {
                var now: [UInt64: UInt64] = [:]
                for (index, number) in snapshot.numbers.enumerated() {
                    let before = last[snapshot.name]?[number] ?? snapshot.carried[index]
                    #expect(before <= snapshot.values[index], "a counter went back")
                    #expect(now[number] == nil && gone[snapshot.name]?.contains(number) != true, "a number that was given out twice")
                    sums[snapshot.name, default: 0] += snapshot.values[index] - before
                    now[number] = snapshot.values[index]
                }
                for number in last[snapshot.name, default: [:]].keys where now[number] == nil { gone[snapshot.name, default: []].insert(number) }
                last[snapshot.name] = now
                totals[snapshot.name] = snapshot.values.reduce(snapshot.expired, +)
            }
        }
    }

    private static let beyondAllTraffic = (0..<4096).map {
        CapturedFlow("10.0.0.\(1 + $0 % 250)", "10.0.1.1", bytes: (1 << 53) - 1, observer: .destination)
    }

    @Test(
        "the books of a file that adds up to more than 64 bits still balance",
        arguments: [
            "{ accounting: { covered: [10.0.0.0/24] }, metrics: { network.flow.bytes: [] } }",
            "{ filter: 'src.address in 10.0.0.0/25', metrics: { network.flow.bytes: [] } }",
            "{ metrics: { network.flow.bytes: [dst.owner.name] } }",
            "{ metrics: { mine: { measure: bytes, filter: 'src.address in 10.0.0.0/25', attributes: [] } } }",
        ])
    func hugeSums(yaml: String) {
        let waits = TableStage(["10.0.1.1": [.ownerName: .pending]])
        var fixture = PipelineFixture(yaml, enrichers: [waits.instance])
        for count in [700, 2100, 4096] { fixture.window(Array(Self.beyondAllTraffic.prefix(count))) }
        let left = fixture.metric("weir_pipeline_not_exported_bytes_total") &+ fixture.metric("weir_pipeline_held_bytes")
        #expect(fixture.metric("weir_pipeline_taken_bytes_total") == fixture.metric("weir_pipeline_series_bytes_total") &+ left)
        #expect(fixture.metric("weir_pipeline_flows_total") == 6896)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WeirKit
import WeirPipeline
import WeirTesting

/// The books hold what was counted; series, filters and records hold what it stands for.
@Suite struct SamplingTests {
    private static let rows = [
        CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 100, packets: 2), CapturedFlow("10.0.0.4", "10.0.1.9", bytes: 30, packets: 1),
        CapturedFlow("10.0.0.5", "10.0.0.9", bytes: 7, packets: 1, observer: .destination),
    ]

    private static func window(_ fixture: inout PipelineFixture, _ flows: [CapturedFlow], _ rate: UInt32) {
        fixture.begin()
        fixture.pipeline.consume(flows.span, samplingRate: rate)
        fixture.end()
    }

    @Test("series and records are scaled and say by how much; the book is not", arguments: [UInt32(1), 2, 100, 65_536])
    func scaled(rate: UInt32) async {
        var fixture = PipelineFixture(
            """
            metrics:
              network.flow.bytes: [src.address, sampling.rate]
              network.flow.packets: []
            records: [src.address, dst.address, sampling.rate]
            """)
        Self.window(&fixture, Self.rows, rate)
        let n = UInt64(rate)
        #expect(fixture.values("network.flow.bytes") == ["10.0.0.4|\(n)": 130 * n, "10.0.0.5|\(n)": 7 * n])
        #expect(fixture.values("network.flow.packets") == ["": 4 * n])
        for line in ["taken", "series"] {
            #expect(fixture.metric("weir_pipeline_\(line)_bytes_total") == 137)
            #expect(fixture.metric("weir_pipeline_\(line)_packets_total") == 4)
        }
        let records = await fixture.delivered()
        #expect(records.map { $0["bytes"] } == [100, 30, 7].map { String($0 * n) })
        #expect(records.map { $0["packets"] } == [2, 1, 1].map { String($0 * n) })
        #expect(records.allSatisfy { $0["sampling.rate"] == String(n) })
    }

    @Test("filters compare what series and records show")
    func filters() {
        var fixture = PipelineFixture(
            """
            filter: 'bytes >= 3000'
            metrics:
              network.flow.bytes: []
              large: { measure: bytes, filter: 'packets > 100', attributes: [] }
              sampled: { measure: packets, filter: 'sampling.rate > 1', attributes: [] }
            """)
        Self.window(&fixture, Self.rows, 100)
        #expect(fixture.values("network.flow.bytes") == ["": 13_000])
        #expect(fixture.values("large") == ["": 10_000])
        #expect(fixture.values("sampled") == ["": 300])
        #expect(fixture.metric("weir_pipeline_not_exported_bytes_total", "filtered") == 7)
        #expect(fixture.metric("weir_pipeline_series_bytes_total") == 130)
        #expect(fixture.metric("weir_series_filtered_value_total", "large") == 3000)
    }

    @Test("a row that waits is scaled by the rate at which it was counted")
    func held() {
        let stage = TableStage(["10.0.0.4": [.ownerName: .pending]])
        var fixture = PipelineFixture("metrics: { network.flow.bytes: [src.owner.name, sampling.rate] }", enrichers: [stage.instance])
        fixture.begin()
        // As over a reload: the same window, two rates, both waiting.
        fixture.pipeline.consume([CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 10)].span, samplingRate: 50)
        fixture.pipeline.consume([CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 4)].span)
        fixture.end()
        #expect(fixture.metric("weir_pipeline_held_bytes") == 14)
        stage.table.withLock { $0["10.0.0.4"] = [.ownerName: .text("found")] }
        fixture.invalidations.add(.all)
        Self.window(&fixture, [], 7)
        #expect(fixture.values("network.flow.bytes") == ["found|50": 500, "found|1": 4])
        #expect(fixture.metric("weir_pipeline_series_bytes_total") == 14)
    }

    @Test("over rates, reloads and limits: series, expired and filtered are the sum over the rates of rate × series_total", arguments: 1...6)
    func law(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let stage = TableStage(["10.0.0.3": [.ownerName: .pending], "10.0.0.4": [.covered: .text("true")]])
        let yaml = """
            pipeline: { max_series: 5, max_values: 4, series_ttl: 11s, born_at_zero: 5s, max_held_flows: 3 }
            filter: 'dst.port != 443'
            metrics:
              all: { measure: bytes, attributes: [src.address, dst.port] }
              packets: { measure: packets, attributes: [dst.port, sampling.rate] }
              some: { measure: bytes, filter: 'dst.port == 80 or bytes > 1000', attributes: [src.address] }
            """
        var expected: (bytes: UInt64, packets: UInt64) = (0, 0)
        var previous: SeriesBook?
        for _ in 0..<3 {
            var fixture = PipelineFixture(yaml, enrichers: [stage.instance], adopting: previous)
            for _ in 0..<6 {
                let rate = [1, 2, 10, 1000, 65_536].randomElement(using: &random) ?? 1
                let flows = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                    CapturedFlow(
                        "10.0.0.\(Int.random(in: 1...9, using: &random))", "10.0.1.1", bytes: .random(in: 40...3000, using: &random),
                        packets: .random(in: 1...9, using: &random), observer: .destination,
                        ports: (1, [80, 443, 5000, 5001].randomElement(using: &random) ?? 0))
                }
                for flow in flows where flow.destinationPort != 443 && flow.source != IPAddress("10.0.0.4") {
                    expected.bytes += flow.bytes * UInt64(rate)
                    expected.packets += flow.packets * UInt64(rate)
                }
                Self.window(&fixture, flows, UInt32(rate))
                for unit in ["bytes", "packets"] {
                    func book(_ line: String) -> UInt64 { fixture.metric("weir_pipeline_\(line)_\(unit)_total") }
                    let held = fixture.metric("weir_pipeline_held_\(unit)")
                    #expect(book("taken") == book("series") + book("not_exported") + held, "\(unit)")
                }
            }
            // What waits goes on.
            for _ in 0..<2 { Self.window(&fixture, [], 1) }
            func sum(_ metric: String) -> UInt64 {
                fixture.values(metric).values.reduce(0, +) + fixture.metric("weir_series_expired_value_total", metric)
                    + fixture.metric("weir_series_filtered_value_total", metric)
            }
            #expect(sum("all") == expected.bytes && sum("some") == expected.bytes && sum("packets") == expected.packets)
            fixture.pipeline.finish()
            previous = fixture.series
        }
    }

    @Test("with one rate: the sum of a metric's series is rate × (series_total − what its own filter left out)", arguments: [UInt32(1), 3, 1000])
    func oneRate(rate: UInt32) {
        var random = SplitMix64(seed: UInt64(rate))
        var fixture = PipelineFixture(
            """
            accounting: { covered: [10.0.0.4] }
            filter: 'dst.port != 443'
            metrics:
              all: { measure: bytes, attributes: [src.address] }
              some: { measure: bytes, filter: 'dst.port == 80', attributes: [src.address] }
            """)
        var rest: UInt64 = 0
        for _ in 0..<20 {
            let flows = (0..<50).map { _ in
                CapturedFlow(
                    "10.0.0.\(Int.random(in: 1...9, using: &random))", "10.0.1.1", bytes: .random(in: 40...3000, using: &random),
                    observer: .destination, ports: (1, [80, 443, 5000].randomElement(using: &random) ?? 0))
            }
            rest += flows.filter { $0.destinationPort == 5000 && $0.source != IPAddress("10.0.0.4") }.reduce(0) { $0 + $1.bytes }
            Self.window(&fixture, flows, rate)
        }
        let series = fixture.metric("weir_pipeline_series_bytes_total")
        #expect(fixture.metric("weir_pipeline_not_exported_bytes_total", "covered") > 0)
        #expect(fixture.values("all").values.reduce(0, +) == UInt64(rate) * series)
        #expect(fixture.values("some").values.reduce(0, +) == UInt64(rate) * (series - rest))
        #expect(fixture.metric("weir_series_filtered_value_total", "some") == UInt64(rate) * rest)
    }

    @Test("the rate is on by default where there is sampling, for every profile, and nowhere else", arguments: NamingProfile.allCases)
    func defaults(profile: NamingProfile) {
        let rate = SelectedAttribute(.samplingRate)
        for isSampled in [false, true] {
            let defaults = AttributeSelection.Defaults(profile, Catalog(declared: [.ownerName], isSampled: isSampled))
            #expect(defaults.flows.contains(rate) == isSampled)
            #expect(defaults.zones.contains(rate) == isSampled)
            #expect(defaults.record.contains(rate) == isSampled)
        }
    }
}

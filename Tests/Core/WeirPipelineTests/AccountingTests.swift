// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirKit
import WeirPipeline
import WeirTesting

@Suite struct AccountingTests {
    @Test(
        "with covered senders the receiver's agent leaves the flow to the sender's",
        arguments: [
            (Observer.source, UInt64(1)), (.both, 1), (.destination, 0), (.transit, 0),
        ])
    func coveredSender(_ observer: Observer, _ exported: UInt64) {
        var fixture = PipelineFixture("accounting: { covered: [10.0.0.0/24] }")
        fixture.window([CapturedFlow("10.0.0.4", "10.1.0.9", bytes: 1, observer: observer)])
        #expect(fixture.metric("weir_pipeline_series_bytes_total") == exported)
        #expect(fixture.metric("weir_pipeline_not_exported_bytes_total", "covered") == 1 - exported)
    }

    @Test(
        "the destination side turns the rule round",
        arguments: [
            (Observer.source, UInt64(0)), (.both, 1), (.destination, 1), (.transit, 0),
        ])
    func destinationSide(_ observer: Observer, _ exported: UInt64) {
        var fixture = PipelineFixture("accounting: { covered: [10.0.0.0/24], observer: destination }")
        fixture.window([CapturedFlow("10.1.0.9", "10.0.0.4", bytes: 1, observer: observer)])
        #expect(fixture.metric("weir_pipeline_series_bytes_total") == exported)
    }

    @Test("without covered a lone agent counts both directions")
    func alone() {
        var fixture = PipelineFixture()
        fixture.window(Observer.allCases.map { CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 1, observer: $0) })
        #expect(fixture.metric("weir_pipeline_series_bytes_total") == 4)
    }

    @Test(
        "the class table decides by its first rule that holds",
        arguments: [
            ("10.0.0.1", "239.0.0.1", Observer.source, "multicast|multicast"),
            ("10.0.0.1", "10.0.0.2", .both, "same_host|same_host"),
            ("10.0.0.1", "52.0.0.1", .source, "cloud_service|claimed"),
            ("10.0.0.1", "10.7.0.1", .source, "private|claimed"),
            ("10.0.0.1", "10.0.2.1", .source, "inter_region|regions"),
            ("10.0.0.1", "10.0.0.2", .source, "same_zone|zones"),
            ("10.0.0.1", "10.0.1.1", .source, "inter_zone|zones"),
            ("10.0.3.1", "10.0.4.1", .source, "same_zone|zones"),
            ("10.0.0.1", "8.8.8.8", .source, "internet|outside"),
            ("8.8.8.8", "10.0.0.1", .destination, "internet|outside"),
            ("9.9.9.9", "10.5.5.5", .source, "unknown|zone_missing_both"),
            ("10.5.5.5", "9.9.9.9", .transit, "internet|outside"),
            ("10.0.0.1", "8.8.4.4", .source, "internet|outside"),
            ("10.0.0.1", "10.5.5.5", .source, "unknown|zone_missing_dst"),
            ("10.5.5.5", "10.0.0.1", .destination, "unknown|zone_missing_src"),
            ("10.5.5.5", "10.5.5.6", .source, "unknown|zone_missing_both"),
        ])
    func scopes(_ source: String, _ destination: String, _ observer: Observer, _ expected: String) {
        func zone(_ zone: String, _ region: String = "r", id: String? = nil) -> [Attribute: Answer] {
            var answers: [Attribute: Answer] = [.zone: .text(zone), .region: .text(region)]
            answers[.zoneID] = id.map { .text($0) }
            return answers
        }
        let stage = TableStage([
            "10.0.0.1": zone("a"), "10.0.0.2": zone("a"), "10.0.1.1": zone("b"), "10.0.2.1": zone("c", "elsewhere"),
            // Two accounts name one zone differently; the id is the same.
            "10.0.3.1": zone("a", id: "use1-az1"), "10.0.4.1": zone("b", id: "use1-az1"),
            "8.8.4.4": [.ownerName: .text("dns")],
            "52.0.0.1": [.scopeClaim: .text("cloud_service")], "10.7.0.1": [.scopeClaim: .text("private")],
        ])
        var fixture = PipelineFixture("metrics: { network.flow.bytes: [traffic.scope, traffic.scope.reason] }", enrichers: [stage.instance])
        fixture.window([CapturedFlow(source, destination, bytes: 1, observer: observer)])
        #expect(fixture.values("network.flow.bytes") == [expected: 1])
    }

    @Test("both books balance over random traffic, filters, holds and limits", arguments: [1, 2, 3])
    func law(_ salt: UInt64) {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed &+ salt)
        var table: [String: [Attribute: Answer]] = [:]
        for host in 1...120 {
            table["10.0.0.\(host)"] = [
                .ownerName: host % 7 == 0 ? .pending : .text("owner \(host % 30)"), .zone: host % 5 == 0 ? .absent : .text("z\(host % 3)"),
            ]
        }
        var fixture = PipelineFixture(
            """
            pipeline: { max_series: 40, max_values: 20, max_held_flows: 100, series_ttl: 10s, born_at_zero: 5s }
            accounting: { covered: [10.0.0.64/26] }
            filter: bytes > 50
            metrics:
              network.flow.bytes: [src.owner.name, dst.owner.name, src.zone]
              network.inter.zone.bytes: [src.zone, dst.zone]
              mine: { measure: packets, filter: 'src.zone == "z1" or dst.port in [80, 443]', attributes: [dst.port] }
            """, enrichers: [TableStage(table).instance])
        var taken: UInt64 = 0
        for _ in 0..<12 {
            let flows = (0..<Int.random(in: 0...900, using: &random)).map { _ in
                var flow = CapturedFlow(
                    "10.0.0.\(Int.random(in: 1...140, using: &random))", "10.0.0.\(Int.random(in: 1...140, using: &random))",
                    bytes: .random(in: 1...500, using: &random), packets: .random(in: 1...9, using: &random),
                    observer: Observer.allCases.randomElement(using: &random)!)
                flow.destinationPort = [80, 443, 5000].randomElement(using: &random)!
                return flow
            }
            taken += flows.reduce(0) { $0 + $1.bytes }
            fixture.window(flows)
            let series = fixture.metric("weir_pipeline_series_bytes_total")
            let left = fixture.metric("weir_pipeline_not_exported_bytes_total")
            #expect(fixture.metric("weir_pipeline_taken_bytes_total") == taken, "seed \(seed)")
            #expect(series + left + fixture.metric("weir_pipeline_held_bytes") == taken, "seed \(seed)")
            let counted =
                fixture.values("network.flow.bytes").values.reduce(0, +) + fixture.metric("weir_series_expired_value_total", "network.flow.bytes")
            #expect(counted == series, "seed \(seed)")
            // A metric with a filter of its own adds up to the rest.
            let crossing = fixture.values("network.inter.zone.bytes").values.reduce(0, +)
            let filtered = fixture.metric("weir_series_filtered_value_total", "network.inter.zone.bytes")
            #expect(crossing + filtered + fixture.metric("weir_series_expired_value_total", "network.inter.zone.bytes") == series, "seed \(seed)")
            let packets = fixture.values("mine").values.reduce(0, +) + fixture.metric("weir_series_filtered_value_total", "mine")
            #expect(
                packets + fixture.metric("weir_series_expired_value_total", "mine") == fixture.metric("weir_pipeline_series_packets_total"),
                "seed \(seed)")
        }
        fixture.pipeline.finish()
        #expect(fixture.metric("weir_pipeline_held_bytes") == 0, "seed \(seed)")
    }
}

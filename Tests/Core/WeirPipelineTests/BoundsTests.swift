// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirKit
import WeirPipeline
import WeirTesting

@Suite struct BoundsTests {
    @Test("ten million distinct names leave symbols and endpoints at their bounds")
    func tenMillionNames() {
        var fixture = PipelineFixture(
            """
            pipeline: { max_endpoints: 16384, max_series: 100, max_values: 50, series_ttl: 10s, born_at_zero: 5s }
            metrics: { network.flow.bytes: [dst.owner.name] }
            """, enrichers: [EnricherInstance(name: "inventing", stage: .endpoint(InventingStage()))])
        var flows: [CapturedFlow] = []
        let source = IPAddress("10.0.0.1")!
        for window in 0..<200 {
            flows.removeAll(keepingCapacity: true)
            for number in 0..<50_000 {
                flows.append(
                    CapturedFlow(
                        source: source, destination: IPAddress(high: 0x2001_0db8_0000_0000, low: UInt64(window * 50_000 + number)), bytes: 1,
                        packets: 1,
                        observer: .source))
            }
            fixture.window(flows)
        }
        #expect(fixture.metric("weir_pipeline_taken_bytes_total") == 10_000_000)
        #expect(fixture.metric("weir_pipeline_endpoints") == 16384)
        // One name per endpoint, the names that series hold, and the pipeline's few own.
        #expect(fixture.metric("weir_pipeline_symbols") < 16384 + 100 + 10)
        #expect(fixture.pipeline.knowledge.symbols.limit < 16384 + 4096 + 200)
        let counted = fixture.values("network.flow.bytes").values.reduce(0, +) + fixture.metric("weir_series_expired_value_total")
        #expect(counted == 10_000_000)
    }

    @Test("past max_series new combinations count in the overflow series")
    func overflow() {
        var fixture = PipelineFixture("{ pipeline: { max_series: 3 }, metrics: { network.flow.bytes: [dst.port] } }")
        fixture.window((1...10).map { CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 1, ports: (1, UInt16($0))) })
        #expect(fixture.values("network.flow.bytes") == ["1": 1, "2": 1, "3": 1, "overflow": 7])
        #expect(fixture.metric("weir_series_overflow_rows_total") == 7)
    }

    @Test("past max_values further values count as (other)")
    func otherValues() {
        var fixture = PipelineFixture("{ pipeline: { max_values: 2 }, metrics: { network.flow.bytes: [dst.port, transport] } }")
        fixture.window((1...5).map { CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 1, ports: (1, UInt16($0))) })
        #expect(fixture.values("network.flow.bytes") == ["1|TCP": 1, "2|TCP": 1, "(other)|TCP": 3])
    }

    @Test("a new series shows as 0 for born_at_zero, then with its value")
    func bornAtZero() {
        var fixture = PipelineFixture("{ pipeline: { born_at_zero: 10s }, metrics: { network.flow.bytes: [] } }")
        var shown: [UInt64] = []
        for _ in 0..<4 {
            fixture.window([CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 5)])
            shown.append(fixture.series.reader().read()[0].values[0])
            #expect(fixture.series.reader().read(bornAtZero: false)[0].values[0] == UInt64(shown.count) * 5)
        }
        #expect(shown == [0, 0, 15, 20])
    }

    @Test("an idle series goes after its time to live, and what it counted is accounted for")
    func timeToLive() {
        var fixture = PipelineFixture("{ pipeline: { series_ttl: 12s, born_at_zero: 5s }, metrics: { network.flow.bytes: [dst.port] } }")
        fixture.window([CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 5, ports: (1, 1))])
        for _ in 0..<2 { fixture.window([CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 1, ports: (1, 2))]) }
        #expect(fixture.values("network.flow.bytes").count == 2)
        for _ in 0..<2 { fixture.window([CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 1, ports: (1, 2))]) }
        #expect(fixture.values("network.flow.bytes") == ["2": 4])
        #expect(fixture.metric("weir_series_expired_value_total") == 5)
    }

    @Test("a new pipeline goes on with the counters of metrics that did not change")
    func adoption() {
        let yaml = "metrics: { network.flow.bytes: [dst.port, dst.owner.name, traffic.scope], network.flow.packets: [dst.port] }"
        var old = PipelineFixture(yaml)
        old.window([CapturedFlow("10.0.0.1", "8.8.8.8", bytes: 5, ports: (1, 1))])
        old.pipeline.finish()
        var new = PipelineFixture(
            "metrics: { network.flow.bytes: [dst.port, dst.owner.name, traffic.scope], network.flow.packets: [src.port] }", adopting: old.series)
        new.window([CapturedFlow("10.0.0.1", "8.8.8.8", bytes: 7, ports: (1, 1)), CapturedFlow("10.0.0.1", "8.8.8.8", bytes: 1, ports: (1, 2))])
        #expect(new.values("network.flow.bytes") == ["1|(internet)|internet": 12, "2|(internet)|internet": 1])
        #expect(new.values("network.flow.packets") == ["1": 2])
    }

    @Test("after a reload a scrape shows the counters as they were, before any window has ended")
    func scrapeAfterReload() {
        let yaml = "{ pipeline: { born_at_zero: 5s }, metrics: { network.flow.bytes: [dst.port] } }"
        var old = PipelineFixture(yaml)
        for _ in 0..<3 { old.window([CapturedFlow("10.0.0.1", "8.8.8.8", bytes: 5, ports: (1, 1))]) }
        old.pipeline.finish()
        #expect(old.series.reader().read()[0].values == [15])
        let new = PipelineFixture(yaml, adopting: old.series)
        #expect(new.series.reader().read()[0].values == [15])
    }

    @Test("the overflow series and what expired go on over a reload")
    func adoptionOfTheRest() {
        let yaml = "{ pipeline: { max_series: 1, series_ttl: 30s }, metrics: { network.flow.bytes: [dst.port] } }"
        var old = PipelineFixture(yaml)
        old.window((1...3).map { CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 1, ports: (1, UInt16($0))) })
        var new = PipelineFixture(yaml, adopting: old.series)
        new.window((1...3).map { CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 1, ports: (1, UInt16($0))) })
        #expect(new.values("network.flow.bytes") == ["1": 2, "overflow": 4])
        #expect(new.metric("weir_series_overflow_rows_total") == 4)
        var other = PipelineFixture("metrics: { network.flow.bytes: [src.port] }", adopting: new.series)
        other.window([])
        #expect(other.metric("weir_series_expired_value_total") == 6)
    }

    @Test("metrics are chosen by globs in which dots and underscores are the same; an empty list chooses none")
    func chosenMetrics() {
        let fixture = PipelineFixture()
        func names(_ globs: [String]?) -> [String] { fixture.series.reader(metrics: globs?.map { Glob($0) }).read().map(\.name) }
        #expect(names(nil).count == 3)
        #expect(names([]) == [])
        #expect(names(["network_flow_*"]) == ["network.flow.bytes", "network.flow.packets"])
        #expect(names(["network.inter.zone.bytes"]) == ["network.inter.zone.bytes"])
    }

    @Test("a full queue loses whole batches, counted, and delays nobody")
    func queueIsBounded() async {
        var fixture = PipelineFixture("{ metrics: { network.flow.bytes: [] }, records: [dst.port] }")
        // Nobody takes from the queue: 2^20 records fit.
        for _ in 0..<300 { fixture.window((1...4096).map { CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 1, ports: (1, UInt16($0))) }) }
        let offered = fixture.metric("weir_export_offered_records_total")
        let queued = fixture.metric("weir_export_queued_records")
        let lost = fixture.metric("weir_export_lost_records_total", "queue_full")
        #expect(offered == 300 * 4096)
        #expect(queued == 1 << 20)
        #expect(offered == queued + lost)
        #expect(fixture.metric("weir_pipeline_series_bytes_total") == 300 * 4096)
        #expect(await fixture.delivered().count == 1 << 20)
        #expect(fixture.metric("weir_export_delivered_records_total") == 1 << 20)
    }

    @Test("of a batch that fails half-way, what was delivered counts as that: offered = delivered + queued + lost")
    func half() async {
        struct Half: RecordExporter {
            func export(_ records: RecordBatch) async throws(ExportError) { throw ExportError(reason: "io", "the disk is gone", delivered: 40) }
        }
        var fixture = PipelineFixture("{ metrics: { network.flow.bytes: [] }, records: [dst.port] }", exporter: Half())
        fixture.window((1...100).map { CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 1, ports: (1, UInt16($0))) })
        _ = await fixture.delivered()
        #expect(fixture.metric("weir_export_offered_records_total") == 100)
        #expect(fixture.metric("weir_export_delivered_records_total") == 40)
        #expect(fixture.metric("weir_export_lost_records_total", "io") == 60)
        #expect(fixture.metric("weir_export_queued_records") == 0)
    }
}

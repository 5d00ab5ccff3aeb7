// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import CountingMalloc
internal import JSONLinesExporter
internal import WeirKit
internal import WeirPipeline
internal import WeirTesting

/// What a record costs on its way from a flow to a line of `json_lines`, which a sink takes at once.
struct RecordsSection: Section {
    let name = "records"
    let abstract = "ready flows → records of 10 attributes → lines of JSON into a sink; one core, from memory, CPU time"

    private static let yaml = """
        metrics: {}
        records: [src.address, src.port, dst.address, dst.port, transport, src.owner.name, dst.owner.name, src.zone, dst.zone, traffic.scope]
        """

    func run(_ setting: Setting, note: (Figure) -> Void) throws {
        // Both under one limit: what grows with the rows is only how often the list of their texts doubles.
        for rows in [64, Pipeline.batchRows] {
            note(Figure("allocations of a batch of \(rows) rows", "allocations", [Double(Self.allocations(rows))], target: .atMost(40)))
        }
        if setting.isQuick { return }

        let sizes = TrafficSizes()
        var cuts: [Double] = []
        var exports: [Double] = []
        var bytes: [Double] = []
        for _ in 0..<setting.runs {
            let sink = Sink()
            var run = PipelineRun(Traffic(sizes), metrics: Self.yaml, exporter: sink.exporter)
            let flows = run.decoded()
            // The first meets endpoints, which the second only looks up; both wait in the queue.
            run.window(flows.span)
            cuts.append(CPUTime.spent { run.window(flows.span) })
            let queue = run.fixture.plan.input.taps[0].queue
            queue.close()
            let seconds = try CPUTime.spentByAll { try waiting { await queue.run() } }
            let delivered = Double(run.fixture.metric("weir_export_delivered_records_total"))
            guard delivered == Double(2 * sizes.flows) else {
                throw Unreadable(description: "could not measure records: \(delivered) instead of \(2 * sizes.flows) were delivered")
            }
            exports.append(seconds / 2)
            bytes.append(Double(sink.bytes) / delivered)
        }
        note(Figure("flows to records", "ns/record", cuts.perFlow(sizes)))
        note(Figure("records to lines", "ns/record", exports.perFlow(sizes)))
        note(Figure("size of a line", "bytes", bytes))
    }

    /// Of a batch of `rows` on the thread that makes its records.
    private static func allocations(_ rows: Int) -> Int {
        var run = PipelineRun(Traffic(TrafficSizes(flows: rows)), metrics: yaml)
        for _ in 0..<3 { run.window() }
        let flows = run.decoded()
        let before = counting_malloc_calls()
        run.consume(flows.span, times: 1)
        return Int(counting_malloc_calls() - before)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import CountingMalloc
internal import WeirPipeline

/// Instructions that the pipeline spends on a flow, counted by callgrind, and allocations per batch.
///
/// The same work is done at two sizes in two processes; the difference is what the additional flows cost, without the start.
struct PipelineGate: Gate {
    let name = "pipeline"
    private static let flows = (few: Workload.step, many: 4 * Workload.step)

    func measure() throws -> [Gauge] {
        var gauges: [Gauge] = []
        for workload in Workload.allCases {
            let (few, many) = try Callgrind.instructions(["workload", workload.rawValue, "--flows"], Self.flows)
            let perFlow = Double(many - few) / Double(Self.flows.many - Self.flows.few)
            gauges.append(Gauge(figure: "pipeline.\(workload.rawValue).instructions", value: perFlow, unit: "instructions/flow", tolerance: 5))
        }
        return gauges + [Gauge(figure: "pipeline.allocations", value: Double(allocations()), unit: "allocations/100_batches", tolerance: 0)]
    }

    private func allocations() -> Int {
        var run = PipelineRun(Traffic(TrafficSizes(flows: Pipeline.batchRows)), metrics: PipelineRun.threeMetrics)
        for _ in 0..<3 { run.window() }
        let flows = run.decoded()
        let before = counting_malloc_calls()
        run.consume(flows.span, times: 100)
        return Int(counting_malloc_calls() - before)
    }
}

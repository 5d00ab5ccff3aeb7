// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

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
        let allocations = PipelineRun.allocationsOf100Batches(metrics: PipelineRun.threeMetrics)
        return gauges + [Gauge(figure: "pipeline.allocations", value: Double(allocations), unit: "allocations/100_batches", tolerance: 0)]
    }
}

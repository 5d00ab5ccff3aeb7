// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirPipeline

/// User space from memory, on one core.
struct PipelineSection: Section {
    let name = "pipeline"
    let abstract = "rows of the kernel's map → decode → enrich → classify → filter → aggregate; one core, from memory"

    func run(_ setting: Setting, note: (Figure) -> Void) throws {
        try measure("one metric", TrafficSizes(), PipelineRun.oneMetric, setting, note)
        try measure("three metrics", TrafficSizes(), PipelineRun.threeMetrics, setting, note)
    }

    private func measure(
        _ name: String, _ sizes: TrafficSizes, _ metrics: String, _ setting: Setting, _ note: (Figure) -> Void
    ) throws {
        var run = PipelineRun(Traffic(sizes), metrics: metrics)
        let first = CPUTime.spent { run.window() }
        note(Figure("first window · \(name)", "ns/flow", [first * 1e9 / Double(sizes.flows)]))
        let times = (0..<setting.runs).map { _ in CPUTime.spent { run.window() } }
        note(Figure("rows to series · \(name)", "flows/s", times.map { Double(sizes.flows) / $0 }, target: .atLeast(10e6)))
        note(Figure("rows to series · \(name)", "ns/flow", times.map { $0 * 1e9 / Double(sizes.flows) }))
        let decoding = (0..<setting.runs).map { _ in CPUTime.spent { run.decode() } }
        note(Figure("of that, decode · \(name)", "ns/flow", decoding.map { $0 * 1e9 / Double(sizes.flows) }))
    }
}

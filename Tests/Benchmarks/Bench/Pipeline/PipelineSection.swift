// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirCapture
internal import WeirPipeline

/// User space from memory, on one core.
struct PipelineSection: Section {
    let name = "pipeline"
    let abstract = "rows of the kernel's map → decode → enrich → classify → filter → aggregate; one core, from memory, CPU time"

    func run(_ setting: Setting, note: (Figure) -> Void) {
        for (name, metrics) in [("one metric", PipelineRun.oneMetric), ("three metrics", PipelineRun.threeMetrics)] {
            whole(name, metrics, setting, note)
            let allocations = PipelineRun.allocationsOf100Batches(metrics: metrics)
            note(Figure("allocations of 100 batches · \(name)", "allocations", [Double(allocations)], target: .atMost(0)))
        }
        // Nothing below has a target.
        if setting.isQuick { return }
        decode("tc", TrafficSizes(), owners: false, setting, note)
        decode("sockets, without owners", TrafficSizes(source: .cgroup), owners: false, setting, note)
        decode("sockets, with owners", TrafficSizes(source: .cgroup), owners: true, setting, note)
        for sweep in Sweep.all { sweep.run(setting, note) }
    }

    private func whole(_ name: String, _ metrics: String, _ setting: Setting, _ note: (Figure) -> Void) {
        let sizes = TrafficSizes()
        var run = PipelineRun(Traffic(sizes), metrics: metrics)
        let first = CPUTime.spent { run.window() }
        let times = setting.times { run.window() }
        note(Figure("rows to series · \(name)", "flows/s", times.map { Double(sizes.flows) / $0 }, target: .atLeast(10e6)))
        note(Figure("rows to series · \(name)", "ns/flow", times.perFlow(sizes)))
        note(Figure("first window, all endpoints new · \(name)", "ns/flow", [first].perFlow(sizes)))
        if setting.isQuick { return }
        let ready = run.decoded()
        note(Figure("ready flows to series · \(name)", "ns/flow", setting.times { run.window(ready.span) }.perFlow(sizes)))
    }

    private func decode(_ name: String, _ sizes: TrafficSizes, owners: Bool, _ setting: Setting, _ note: (Figure) -> Void) {
        var run = PipelineRun(Traffic(sizes), owners: owners)
        run.decode()
        note(Figure("rows to ready flows · \(name)", "ns/flow", setting.times { run.decode() }.perFlow(sizes)))
    }
}

extension Setting {
    /// Seconds of this thread, once per run.
    func times(_ body: () -> Void) -> [Double] { (0..<runs).map { _ in CPUTime.spent(body) } }
}

extension [Double] {
    /// Seconds per window as nanoseconds per flow.
    func perFlow(_ sizes: TrafficSizes) -> [Double] { map { $0 * 1e9 / Double(sizes.flows) } }
}

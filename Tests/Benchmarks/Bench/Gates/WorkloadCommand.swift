// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WeirPipeline

/// A fixed piece of work for callgrind and perf.
enum Workload: String, ExpressibleByArgument, CaseIterable {
    /// From ready flows to the series of one metric.
    case pipeline
    /// From ready flows to the three built-in metrics.
    case metrics
    /// From rows of the kernel's map to flows.
    case decode

    /// Flows at a time.
    static let step = 40_960
}

struct WorkloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workload", abstract: "Does a fixed piece of work and prints nothing: for callgrind and perf.",
        discussion: """
            Example: SWIFT_DETERMINISTIC_HASHING=1 valgrind --tool=callgrind weir-bench workload pipeline --flows 200000
            """)

    @Argument(help: "pipeline, metrics or decode.")
    var workload: Workload
    @Option(help: "Flows, besides those that fill the tables; by \(Workload.step)s.")
    var flows = 4 * Workload.step

    func run() {
        var run = PipelineRun(
            Traffic(TrafficSizes(flows: Workload.step, endpoints: 5000, series: 1000, prefixes: 1000)),
            metrics: workload == .metrics ? PipelineRun.threeMetrics : PipelineRun.oneMetric)
        run.window()
        let ready = run.decoded()
        let times = flows / ready.count
        if workload == .decode {
            for _ in 0..<times { run.decode() }
        } else {
            run.consume(ready.span, times: times)
        }
    }
}

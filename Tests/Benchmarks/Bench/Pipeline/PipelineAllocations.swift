// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import CountingMalloc
internal import WeirPipeline

extension PipelineRun {
    /// How often 100 full batches ask for memory, once the tables know every endpoint and series.
    static func allocationsOf100Batches(metrics: String) -> Int {
        var run = PipelineRun(Traffic(TrafficSizes(flows: Pipeline.batchRows)), metrics: metrics)
        for _ in 0..<3 { run.window() }
        let flows = run.decoded()
        let before = counting_malloc_calls()
        run.consume(flows.span, times: 100)
        return Int(counting_malloc_calls() - before)
    }
}

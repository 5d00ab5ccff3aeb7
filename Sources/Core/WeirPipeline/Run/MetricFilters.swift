// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// The metrics' own filters, compiled, by the metric's place in the plan. (Arrays hold no noncopyable values with ease;
/// these two small boxes keep the compiled programs out of the pipeline's way.)
struct MetricFilters: ~Copyable {
    private final class Box {
        var program: FilterProgram
        init(_ program: consuming FilterProgram) { self.program = program }
    }

    private let boxes: [Box?]

    init(_ plan: Plan) {
        boxes = plan.input.metrics.map { metric in metric.filter.map { Box(FilterProgram($0, layout: plan.layout)) } }
    }

    /// The rows that count for the metric: `rows` itself, or those that pass its filter, in `passed`. Once per batch and metric.
    func select(_ metric: Int, _ rows: [Int], _ batch: borrowing FlowBatch, _ knowledge: borrowing Knowledge, into passed: inout [Int]) -> Bool {
        guard let box = boxes[metric] else { return false }
        box.program.select(rows, batch, knowledge, into: &passed)
        return true
    }
}

/// The record exporters' taps, compiled.
struct Cutters: ~Copyable {
    private final class Box {
        var cutter: RecordCutter
        init(_ cutter: consuming RecordCutter) { self.cutter = cutter }
    }

    private let boxes: [Box]

    init(_ plan: Plan) { boxes = plan.input.taps.map { Box(RecordCutter($0, layout: plan.layout)) } }

    func cut(_ rows: [Int], _ batch: borrowing FlowBatch, window: Range<UInt64>, _ knowledge: borrowing Knowledge) {
        for box in boxes { box.cutter.cut(rows, batch, window: window, knowledge) }
    }
}

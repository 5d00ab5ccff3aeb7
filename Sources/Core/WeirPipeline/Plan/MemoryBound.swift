// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// One memory of the pipeline when it is full. The bytes follow from limits and from the shape of what is kept; nothing is measured, and
/// a test compares them with what the allocator says.
package struct MemoryBound: Sendable {
    /// What is kept.
    package let what: String
    /// At most, in the process.
    package let bytes: Int
    /// How the bytes come about.
    package let formula: String
    /// What happens at the limit, and which metric tells; nil for what has no limit to reach.
    package let beyond: String?
}

/// Bytes per thing kept. Arrays double as they grow, so what stands in an array counts twice.
private enum Each {
    /// A text of 256 bytes with its header; texts of up to 15 bytes need none of it.
    static let text = 304
    /// The same of 39 bytes, which the longest address has.
    static let addressText = 88
    /// Address, owner, flags and last use; per attribute a symbol and who answered; 4 bytes in an index that is at least three eighths full.
    static func endpoint(attributes: Int) -> Int { 2 * (32 + 5 * attributes) + 11 }
    /// The text's place, its holders, epoch and free list; its entry in a dictionary.
    static let symbol = 2 * 28 + 54
    /// Counter, times, marks and index; per attribute its word (words come in pairs), its text's place, and a count of values.
    static func series(attributes: Int) -> Int { 2 * 41 + 11 + 62 * attributes + (attributes % 2) * 8 }
    /// The same as a reader gets it.
    static func shownSeries(attributes: Int) -> Int { 16 + 16 * attributes }
    /// The flow, its deadline and its window; space in front is given back when it is the larger half.
    static let heldFlow = 2 * 2 * (MemoryLayout<CapturedFlow>.stride + 24)
    static func record(columns: Int, texts: Int) -> Int { 16 + 4 * columns + texts * (2 * 16 + text) }
    /// A flow, its columns, the keys of its series; per filter its answers and a column, per tap the rows that it takes.
    static func row(plugged: Int, series: Int, filters: Int, taps: Int) -> Int {
        2 * (MemoryLayout<CapturedFlow>.stride + 64 + 4 * plugged + series + 12 * filters + 8 * taps)
    }
    /// A question to the enrichers and their answers.
    static func question(attributes: Int) -> Int { 2 * (25 + MemoryLayout<EndpointBatch.Cell>.stride * attributes) + attributes * text }
}

extension Plan {
    /// Every memory of the pipeline that grows with traffic, full. What stages know of their own (tables) is not among them.
    package func memoryBounds() -> [MemoryBound] {
        let options = input.pipeline
        let width = endpointAttributes.count
        var bounds = [
            MemoryBound(
                what: "endpoints", bytes: options.maxEndpoints * Each.endpoint(attributes: width),
                formula: "\(options.maxEndpoints) × (2 × (32 + 5 × \(width) attributes) + 11)",
                beyond: "the one unused longest gives way and is asked again when it comes back: weir_pipeline_endpoint_evictions_total"),
            texts,
        ]
        bounds += input.metrics.map(series)
        bounds.append(held)
        bounds += input.taps.map(queue)
        bounds.append(batch)
        return bounds
    }

    private var texts: MemoryBound {
        let options = input.pipeline
        // The owners that are no strangers have the texts of all owners.
        var parts: [(String, Int)] = endpointAttributes.filter { $0 != .knownOwnerName }.map { attribute in
            (attribute.name, min(valueCount(of: SelectedAttribute(attribute, .source)) ?? options.maxEndpoints, options.maxEndpoints))
        }
        parts += pluggedAttributes.map { ($0.name, Pipeline.batchRows) }
        // Series keep their texts when the endpoints are gone.
        let kept = input.metrics.reduce(0) { sum, metric in
            sum + metric.attributes.reduce(0) { layout.column($1).holdsSymbols ? $0 + min(seriesLimit(metric), options.maxValues) : $0 }
        }
        if kept > 0 { parts.append(("series", kept)) }
        let filters = [input.filter] + input.metrics.map(\.filter) + input.taps.map(\.filter)
        let tests = filters.reduce(0) { $0 + ($1?.textTests ?? 0) }
        let each = Each.symbol + 16 * input.taps.count + 10 * tests
        // An address as a text is shorter than what else a text may be.
        let addresses = parts.filter { $0.0 == Attribute.address.name }.reduce(0) { $0 + $1.1 }
        let others = parts.filter { $0.0 != Attribute.address.name }
        var terms: [String] = []
        if addresses > 0 { terms.append("\(addresses) addresses × (\(each) + \(Each.addressText))") }
        if !others.isEmpty {
            terms.append(
                "(\(others.map { "\($0.0) \($0.1)" }.joined(separator: " + "))) × (\(each) + \(Each.text) for a text of 256 bytes)")
        }
        return MemoryBound(
            what: "texts", bytes: addresses * (each + Each.addressText) + others.reduce(0) { $0 + $1.1 } * (each + Each.text),
            formula: terms.isEmpty ? "none" : terms.joined(separator: " + "),
            beyond: "a text goes with the last endpoint or series that has it: weir_pipeline_symbols")
    }

    private func seriesLimit(_ metric: MetricDefinition) -> Int { metric.maxSeries ?? input.pipeline.maxSeries }

    private func series(_ metric: MetricDefinition) -> MemoryBound {
        let width = metric.attributes.count
        let count = min(seriesLimit(metric), knownProduct(of: metric) ?? .max) + 1
        // While a reader has a copy, whatever changes is copied.
        let each = 2 * Each.series(attributes: width) + Each.shownSeries(attributes: width)
        return MemoryBound(
            what: "series of \(metric.label)", bytes: count * each,
            formula: "\(count) × (2 while it is read × (93 + 62 × \(width) attributes\(width % 2 == 1 ? " + 8" : "")) + 16 + 16 × \(width))",
            beyond: "max_series: new combinations count in otel.metric.overflow=\"true\", weir_series_overflow_rows_total;"
                + " max_values: new values count as (other), weir_series_other_rows_total")
    }

    private var held: MemoryBound {
        let canWait = input.pipeline.hold != .zero && asked.contains { !$0.isEmpty } && input.pipeline.maxHeldFlows > 0
        let count = canWait ? input.pipeline.maxHeldFlows + Pipeline.batchRows : 0
        return MemoryBound(
            what: "flows that wait for an answer", bytes: count * Each.heldFlow,
            formula: canWait ? "(\(input.pipeline.maxHeldFlows) + \(Pipeline.batchRows)) × \(Each.heldFlow)" : "none can wait",
            beyond: "the oldest go on with what is known: weir_pipeline_hold_overflow_flows_total")
    }

    private func queue(_ tap: RecordTap) -> MemoryBound {
        let texts = tap.attributes.stored.count { !(layout.column($0).isNumber) }
        let count = max(tap.queue.limit, Pipeline.batchRows)
        return MemoryBound(
            what: "queue of \(tap.name)", bytes: count * Each.record(columns: tap.attributes.stored.count, texts: texts),
            formula: "\(count) × (16 + 4 × \(tap.attributes.stored.count) attributes + \(texts) texts × (32 + \(Each.text)))",
            beyond: "records are lost, series are not: weir_export_lost_records_total{reason=\"queue_full\"}")
    }

    private var batch: MemoryBound {
        let rows = Pipeline.batchRows
        let keys = input.metrics.reduce(0) { $0 + 16 + 4 * $1.attributes.count }
        let filters = 1 + input.metrics.count + input.taps.count
        let row = Each.row(plugged: pluggedAttributes.count, series: keys, filters: filters, taps: input.taps.count)
        let question = Each.question(attributes: endpointAttributes.count)
        return MemoryBound(
            what: "the batch in hand", bytes: rows * row + 2 * rows * question, formula: "\(rows) × \(row) + 2 × \(rows) ends × \(question)",
            beyond: nil)
    }
}

extension Filter {
    /// Comparisons of texts, each of which remembers its answer per text.
    fileprivate var textTests: Int {
        func count(_ node: Node) -> Int {
            switch node {
            case .not(let inner): count(inner)
            case .and(let a, let b), .or(let a, let b): count(a) + count(b)
            case .test(.texts), .test(.glob), .test(.regex): 1
            case .test: 0
            }
        }
        return count(root)
    }
}

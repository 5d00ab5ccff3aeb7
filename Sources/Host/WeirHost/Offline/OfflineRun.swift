// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline

/// Flows that were counted together, from a file or a test: what a drain is to the running agent.
struct OfflineWindow: Sendable {
    /// Nanoseconds since 1970.
    var range: Range<UInt64>
    /// More flows of this window follow: it does not end yet.
    var isEarly = false
    var flows: [CapturedFlow]
    /// Interfaces by the numbers that flows carry from here on. Those that an earlier window of the run named keep their names.
    var interfaceNames: [UInt32: String] = [:]
}

/// The pipeline of `weir run` without kernel, root, clock or network: the same configuration, plan and stages, window by
/// window. What time it is, the windows say.
///
/// No stage's `run()` is called: a stage knows what its configuration holds (tables, files) and what it was given as
/// answers. Configured record exporters are replaced, since they would write to the user's files. Series never expire, so
/// that at the end each metric is the sum over all windows.
struct OfflineRun: ~Copyable {
    /// Rows between two deliveries to record exporters: what they may have to hold at once.
    private static let slice = 16_384

    let plan: Plan
    let series: SeriesBook
    let book = MetricRegistry()
    private let queues: [ExportQueue]
    private let namesInterfaces: Bool
    private var pipeline: Pipeline
    /// What the pipeline takes for the clock that nobody sets: the latest end of a window so far.
    private var now: UInt64 = 0
    private(set) var windows = 0

    /// `outputs` are the record exporters that are run, by the names of those of the configuration that they stand for, or by
    /// names of their own. The other configured ones keep their place in the plan, and get nothing.
    init(_ configuration: Configuration, files: ConfigFiles, outputs: [Configuration.RecordInstance]) {
        var configuration = configuration
        configuration.pipeline.keepsSeries = true
        let chosen = Set(outputs.map(\.name))
        configuration.recordExporters =
            configuration.recordExporters.filter { !chosen.contains($0.name) }.map { $0.running(DiscardingExporter()) } + outputs
        let log = ConfigurationLoader.silent
        let assembly = Assembly(configuration, registry: book, log: log, isOffline: true)
        plan = assembly.plan
        queues = assembly.queues
        series = SeriesBook(plan: plan)
        namesInterfaces = plan.keyFields.contains(.interface)
        let covered = CoveredSet(configuration.accounting, files: files, registry: book, log: log)
        pipeline = Pipeline(plan: plan, covered: covered, invalidations: configuration.invalidations, registry: book, series: series)
    }

    /// Runs one window, or a part of it, and hands on the records that came of it.
    mutating func take(_ window: OfflineWindow) async {
        now = max(now, window.range.upperBound)
        pipeline.beginWindow(window.range, monotonic: now)
        if namesInterfaces { pipeline.addInterfaces(window.interfaceNames) }
        var start = 0
        while start < window.flows.count {
            let end = min(start + Self.slice, window.flows.count)
            pipeline.consume(window.flows.span.extracting(start..<end))
            start = end
            await deliver()
        }
        guard !window.isEarly else { return }
        pipeline.endWindow()
        windows += 1
        await deliver()
    }

    /// The last call: rows that wait for an answer go on without it, and exporters print what they gathered.
    mutating func finish() async {
        pipeline.finish()
        for queue in queues {
            queue.close()
            await queue.run()
        }
    }

    private func deliver() async {
        for queue in queues { await queue.deliver() }
    }

    /// One of the pipeline's own counters, the cells of all labels or of one added up.
    func count(_ name: String, _ label: String? = nil) -> UInt64 {
        let cells = book.read().first { $0.name == name }?.cells ?? []
        return cells.filter { cell in label == nil || cell.labels.contains { $0.value == label } }.reduce(0) { $0 + $1.cell.current }
    }
}

extension Configuration.RecordInstance {
    /// The same instance with another exporter, which gets every record.
    func running(_ exporter: any RecordExporter) -> Self {
        Self(name: name, exporter: exporter, filter: filter, attributes: attributes, naming: naming, queueLimit: .max)
    }
}

/// Stands for an exporter that is not to run.
private struct DiscardingExporter: RecordExporter {
    func export(_ records: RecordBatch) async throws(ExportError) {}
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PacketReplay
internal import WeirKit
internal import WeirPipeline

/// Runs cases against one configuration, each through a pipeline of its own.
struct CaseRunner: Sendable {
    let configuration: Configuration
    let files: ConfigFiles
    let loader: ConfigurationLoader

    /// What came of a case.
    struct Outcome: Sendable {
        /// Lines that say what is otherwise than expected; empty when the case passed.
        var differences: [String] = []
        /// What came out, for expectations that are files.
        var records: [UInt8] = []
        var page: [UInt8] = []
    }

    /// `recordsAll`: makes both files, whatever the case expects.
    func run(_ test: TestCase, recordsAll: Bool = false) async -> Outcome {
        var configuration = configuration
        let isPacketFile = if case .file(let bytes, _) = test.input { Replay.isPacketFile(bytes) } else { false }
        configuration.enrichers = GivenAnswersStage.replacing(configuration.enrichers, with: test.answers)
        if !isPacketFile { configuration.enrichers = test.names.behind(configuration.enrichers, catalog: configuration.catalog) }

        let expected = test.expected
        let records = CollectedRecords()
        let lines = ByteCollector()
        let scopes = FlowSums([SelectedAttribute(.trafficScope)])
        var outputs: [Configuration.RecordInstance] = []
        if expected.recordLines != nil || recordsAll {
            outputs.append(configuration.firstRecords.running(RecordOutput { (bytes) throws(SystemError) in lines.add(bytes) }))
        }
        if expected.records != nil {
            // In Weir's words, as all of the configuration is.
            var plain = configuration.firstRecords.running(records)
            plain.naming = .weir
            plain.name = "(records)"
            outputs.append(plain)
        }
        if expected.scopes != nil {
            outputs.append(
                Configuration.RecordInstance(
                    name: "(scopes)", exporter: scopes, filter: nil, attributes: [SelectedAttribute(.trafficScope)], queueLimit: .max))
        }
        var run = OfflineRun(configuration, files: files, outputs: outputs)
        var outcome = Outcome()
        if let problem = await feed(test, to: &run, configuration) {
            outcome.differences = problem
            return outcome
        }
        await run.finish()

        let needsSeries = !expected.series.isEmpty || expected.page != nil
        if needsSeries, configuration.metricExporters.isEmpty {
            outcome.differences.append("  no exporter reads metrics, so there are no series: add prometheus to 'export'")
            return outcome
        }
        let snapshots = run.series.reader(final: true).read().map(\.sorted)
        for (metric, rows) in expected.series {
            guard let snapshot = snapshots.first(where: { $0.name == metric }) else { continue }
            outcome.differences += Comparison.series(rows, snapshot, isPartial: expected.isPartial)
        }
        if let wanted = expected.records { outcome.differences += Comparison.records(wanted, records.rows, isPartial: expected.isPartial) }
        if let wanted = expected.scopes { outcome.differences += Comparison.scopes(wanted, scopes.bytes, isPartial: expected.isPartial) }
        for (reason, bytes) in expected.notExported {
            let got = run.count("weir_pipeline_not_exported_bytes_total", reason)
            if got != bytes { outcome.differences += ["  not exported, in bytes", "    - \(reason) \(bytes)", "    + \(reason) \(got)"] }
        }
        outcome.records = lines.bytes
        if expected.page != nil || (recordsAll && !configuration.metricExporters.isEmpty) {
            outcome.page = await Replay.Sink.page(run.series, loader, configuration) ?? []
        }
        if let wanted = expected.recordLines { outcome.differences += Comparison.lines("out.jsonl", wanted, outcome.records) }
        if let wanted = expected.page { outcome.differences += Comparison.lines("out.prom", wanted, outcome.page) }
        return outcome
    }

    /// What is wrong with the input, as lines; nil when it went in whole.
    private func feed(_ test: TestCase, to run: inout OfflineRun, _ configuration: Configuration) async -> [String]? {
        switch test.input {
        case .flows(let windows):
            for window in windows { await run.take(window) }
        case .file(let bytes, let name):
            if Replay.isPacketFile(bytes) {
                let options = ReplayOptions(
                    window: configuration.capture.window,
                    capture: configuration.capture.plan(for: run.plan.keyFields, configuration.accounting, isOffline: true),
                    local: test.local)
                do {
                    var windows = try PacketWindows.open(bytes: bytes, options)
                    while let window = try windows.next() { await run.take(OfflineWindow(window)) }
                } catch {
                    return ["  \(name): \(error)"]
                }
            } else {
                var lines = FlowLines(
                    InputFile(bytes: bytes), file: name, catalog: configuration.catalog, names: test.names, window: configuration.capture.window,
                    local: test.local)
                do throws(SystemError) {
                    while let window = try lines.next() { await run.take(window) }
                    if lines.problemCount > 0 { try lines.readOn() }
                } catch {
                    return ["  \(name): \(error)"]
                }
                if lines.problemCount > 0 {
                    return ProblemReport.text(lines.problems, lines.texts).split(separator: "\n").map { "  \($0)" }
                }
            }
        }
        return nil
    }
}

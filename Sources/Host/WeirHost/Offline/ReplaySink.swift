// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirCapture
internal import WeirKit
internal import WeirPipeline

extension Replay {
    /// One kind of output: what the run must collect for it, and how it is written.
    struct Sink: Sendable {
        private let output: Output
        private let write: @Sendable ([UInt8]) throws(SystemError) -> Void
        private let records: RecordOutput
        private let sums: FlowSums
        /// The record exporters of the run.
        let instances: [Configuration.RecordInstance]

        init(_ output: Output, _ configuration: Configuration, _ write: @escaping @Sendable ([UInt8]) throws(SystemError) -> Void) {
            self.output = output
            self.write = write
            let first = configuration.firstRecords
            records = RecordOutput(write)
            sums = FlowSums(first.attributes, naming: first.naming)
            instances =
                switch output {
                case .table: [first.running(sums)]
                case .records: [first.running(records)]
                case .metrics, .books: []
                }
        }

        /// Set once nothing can be written any more.
        var failure: SystemError? { records.failure }

        /// Writes what only the end knows.
        func finish(
            _ run: inout OfflineRun, kernel: KernelBook?, notes: String, _ loader: ConfigurationLoader, _ configuration: Configuration,
            _ ending: inout Ending
        ) async {
            var failure = records.failure
            if failure == nil {
                let bytes: [UInt8]
                switch output {
                case .table: bytes = Array((sums.text + "\n" + OfflineBook.text(run, kernel: kernel) + notes).utf8)
                case .books: bytes = Array((OfflineBook.text(run, kernel: kernel) + notes).utf8)
                case .records: bytes = []
                case .metrics: bytes = await Self.page(run.series, loader, configuration) ?? []
                }
                do throws(SystemError) { try write(bytes) } catch { failure = error }
            }
            // EPIPE: whoever read has seen enough.
            if let failure, failure.code != 32 {
                ending.status = .machine
                ending.messages += "the output could not be written: \(failure)\n"
            }
        }

        /// The page that a scrape would get, without the agent's own counters; nil when no exporter serves one.
        static func page(_ series: SeriesBook, _ loader: ConfigurationLoader, _ configuration: Configuration) async -> [UInt8]? {
            await FinalMetrics(
                exporters: configuration.metricExporters, series: series, routes: loader.surroundings.routes, log: ConfigurationLoader.silent
            ).text()
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import WeirKit

/// Writes what the counters say, every interval and when the agent stops.
package struct CSVReportExporter: MetricExporter {
    private let options: CSVReportOptions
    private let context: PluginContext
    private let written: Cell

    package init(_ options: CSVReportOptions, _ context: PluginContext) {
        self.options = options
        self.context = context
        written = context.metrics.counter("weir_csv_report_written_files_total", "Files that were written.")
    }

    /// A folder that is full or gone ends this in an error, which the host counts, logs and answers by a new call after a pause.
    package func run(_ series: SeriesReader) async throws {
        while true {
            try await Task.sleep(for: options.interval)
            try write(series.read(bornAtZero: false))
        }
    }

    /// What was counted since the last time, when the agent stops. Nobody calls again, so an error has only the log.
    package func finish(_ series: SeriesReader) async {
        do {
            try write(series.read(bornAtZero: false))
        } catch {
            context.log.error("last report not written", metadata: ["error": "\(error)"])
        }
    }

    /// One file per metric. Each is renamed into its place, so a reader sees the old one or the new one.
    package func write(_ snapshots: [MetricSnapshot]) throws {
        for snapshot in snapshots {
            try Data(CSVTable(snapshot).text.utf8).write(to: URL(filePath: "\(options.folder)/\(snapshot.name).csv"), options: .atomic)
            written.add()
        }
    }
}

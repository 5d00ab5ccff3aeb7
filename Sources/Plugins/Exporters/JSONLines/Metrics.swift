// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Every counter of the plugin. What was delivered of records, and what was lost and why, is counted by the host.
struct Metrics: Sendable {
    let writtenBytes: Cell
    let openedFiles: Cell
    let tornLines: Cell
    let up: Cell
    let rotations: Cell
    let failedRotations: Cell
    let removedFiles: Cell
    let readings: Cell
    let skippedReadings: Cell
    private let registry: MetricRegistry

    init(_ registry: MetricRegistry) {
        self.registry = registry
        writtenBytes = registry.counter("weir_json_lines_written_bytes_total", "Bytes that the system took.")
        openedFiles = registry.counter(
            "weir_json_lines_opened_files_total", "Times that the file was opened: at the first line, after a rotation, after a failure.")
        tornLines = registry.counter(
            "weir_json_lines_torn_lines_total",
            "Lines that stayed unfinished: found after a crash, or in a file that was moved away or cut meanwhile.")
        up = registry.gauge("weir_json_lines_up", "0 while lines wait because the file cannot be written, else 1.")
        rotations = registry.counter("weir_json_lines_rotations_total", "Times that the file was full or old, and gave way to a new one.")
        failedRotations = registry.counter(
            "weir_json_lines_failed_rotations_total", "Times that the file could not be renamed, or an old one not be removed.")
        removedFiles = registry.counter("weir_json_lines_removed_files_total", "Old files that were removed, being more than keep.")
        readings = registry.counter("weir_json_lines_readings_total", "Times that the series were read to be written.")
        skippedReadings = registry.counter(
            "weir_json_lines_skipped_readings_total", "Intervals without a reading, because one could not be written for so long.")
        up.set(1)
    }

    func failures(_ reason: String) -> Cell {
        registry.counter("weir_json_lines_failures_total", "Times that the file could not be opened or written, by reason.", [("reason", reason)])
    }

    func lost(_ metric: String, _ reason: String) -> Cell {
        registry.counter(
            "weir_json_lines_lost_total", "What was counted and stands in no line, in the metric's unit.", [("metric", metric), ("reason", reason)])
    }
}

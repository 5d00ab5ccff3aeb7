// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Every counter of the plugin. What was lost, and why, is counted by the host.
struct Metrics: Sendable {
    let writtenBytes: Cell
    let openedFiles: Cell
    let tornLines: Cell

    init(_ registry: MetricRegistry) {
        writtenBytes = registry.counter(
            "weir_json_lines_written_bytes_total", "Bytes handed to the system, those of batches that failed later included.")
        openedFiles = registry.counter(
            "weir_json_lines_opened_files_total", "Times that the file was opened: at the first batch, after a rotation, after a failure.")
        tornLines = registry.counter(
            "weir_json_lines_torn_lines_total", "Lines that stayed unfinished, because a failed write could not be taken back.")
    }
}

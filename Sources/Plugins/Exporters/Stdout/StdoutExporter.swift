// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Prints a table per batch. An actor because printing may wait for whoever reads; the host calls it one batch at a time.
package actor StdoutExporter: RecordExporter {
    private let options: StdoutOptions
    private let terminal: Terminal
    private var table: FlowTable?

    package init(_ options: StdoutOptions, terminal: Terminal = .standardOutput) {
        self.options = options
        self.terminal = terminal
    }

    package func export(_ records: RecordBatch) async throws(ExportError) {
        var table = self.table ?? FlowTable(rowLimit: options.rows, palette: palette)
        let text = table.text(records, lineWidth: terminal.lineWidth())
        self.table = table
        try await write(Array(text.utf8))
    }

    private var palette: Palette {
        switch options.color {
        case .always: .colors
        case .never: .plain
        case .auto: terminal.isTerminal() && terminal.allowsColors() ? .colors : .plain
        }
    }

    /// Waits for a slow reader (a pager, Ctrl-S) without holding a thread; once the agent is leaving it waits no more.
    private func write(_ bytes: [UInt8]) async throws(ExportError) {
        var from = 0
        while from < bytes.count {
            switch terminal.write(bytes, from) {
            case .wrote(let count): from += count
            case .refused(let reason, let text): throw ExportError(reason: reason, "standard output cannot be written: \(text)")
            case .wait:
                do {
                    try await Task.sleep(for: .milliseconds(20))
                } catch {
                    throw ExportError(reason: "cancelled", "the agent is leaving and nobody reads standard output")
                }
            }
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ByteOutput
package import WeirKit

/// Prints a table per window: when a batch of the next one comes, or when none came for a moment.
///
/// An actor because printing may wait for whoever reads. The host calls it one batch at a time; beside that call runs
/// at most one task of its own, which the next call stops, or lets end if it is printing.
package actor StdoutExporter: RecordExporter {
    private let options: StdoutOptions
    private let terminal: Terminal
    /// The batches of a window come at once, as fast as they are enriched.
    private let pause: Duration
    private var table: FlowTable?
    private var gathered: WindowFlows?
    private var printsLater: Task<Void, Never>?
    private var isPrinting = false
    /// Why a table was not printed that no caller waited for: the next caller is told.
    private var failure: ExportError?

    package init(_ options: StdoutOptions, terminal: Terminal = .standardOutput, pause: Duration = .milliseconds(250)) {
        self.options = options
        self.terminal = terminal
        self.pause = pause
    }

    package func export(_ records: RecordBatch) async throws(ExportError) {
        if records.count == 0 { return }
        await settle()
        if let failure {
            // A pipe whose reader went away does not come back; all else is worth another try.
            if failure.reason != "closed" { self.failure = nil }
            throw failure
        }
        if let gathered, !gathered.takes(records) { try await print() }
        if gathered == nil { gathered = WindowFlows(like: records) }
        gathered?.add(records)
        printsLater = Task {
            try? await Task.sleep(for: pause)
            // Also when the next batch came between the end of the sleep and now.
            if Task.isCancelled { return }
            do throws(ExportError) { try await print() } catch { failure = error }
        }
    }

    /// Prints what is left. If that fails there is nobody left to tell.
    package func finish() async {
        await settle()
        try? await print()
    }

    /// Stops the task that waits to print; one that prints comes to its end, so that two tables never mix.
    private func settle() async {
        guard let task = printsLater else { return }
        if !isPrinting { task.cancel() }
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        printsLater = nil
    }

    private func print() async throws(ExportError) {
        guard let gathered else { return }
        self.gathered = nil
        isPrinting = true
        defer { isPrinting = false }
        var table = self.table ?? FlowTable(rowLimit: options.rows, palette: palette)
        let text = table.text(gathered, lineWidth: terminal.lineWidth())
        self.table = table
        do throws(ExportError) {
            try await write(Array(text.utf8))
        } catch {
            if error.reason == "closed" { failure = error }
            throw error
        }
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
            let count: Int
            do throws(OutputError) {
                count = try terminal.write(bytes, from).get()
            } catch {
                throw ExportError(reason: error.reason, "standard output cannot be written: \(error)")
            }
            from += count
            if count > 0 { continue }
            do {
                try await Task.sleep(for: .milliseconds(20))
            } catch {
                throw ExportError(reason: "cancelled", "the agent is leaving and nobody reads standard output")
            }
        }
    }
}

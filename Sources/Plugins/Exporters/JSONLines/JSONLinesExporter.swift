// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
package import WeirKit

/// Appends batches to a file: whole, or as if they had never been.
///
/// An actor because a batch is one long critical section with waits in it; the host calls it one batch at a time.
package actor JSONLinesExporter: RecordExporter {
    private let path: String
    private let calls: FileCalls
    private let metrics: Metrics
    private var file: LineFile?
    /// The agent is leaving, and the reader took nothing for a second: what still comes is not waited for.
    private var hasGivenUp = false
    /// One write(2) each; a batch is smaller than that more often than not.
    private static let chunkBytes = 256 << 10

    package init(_ options: JSONLinesOptions, _ context: PluginContext, calls: FileCalls = .system) {
        path = options.path
        self.calls = calls
        metrics = Metrics(context.metrics)
    }

    deinit { if let file { calls.close(file.descriptor) } }

    package func export(_ records: RecordBatch) async throws(ExportError) {
        if records.count == 0 { return }
        if hasGivenUp { throw giveUp(.cancelled) }
        try open()
        var lines = RecordLines(records)
        var chunk = file?.beginBatch(calls) ?? []
        chunk.reserveCapacity(Self.chunkBytes + 4096)
        for row in records.rows {
            lines.append(row, to: &chunk)
            if chunk.count >= Self.chunkBytes {
                try await write(chunk)
                chunk.removeAll(keepingCapacity: true)
            }
        }
        try await write(chunk)
    }

    package func finish() {
        if let file { calls.close(file.descriptor) }
        file = nil
    }

    /// Opens at the first batch, and again when the path leads to another file: so `logrotate` needs no signal.
    private func open() throws(ExportError) {
        if let file {
            if path == "-" || calls.identity(path) == file.identity { return }
            finish()
        }
        do {
            file = try path == "-" ? calls.standardOutput() : calls.open(path)
        } catch {
            throw ExportError(reason: "open", "'\(path)' cannot be opened: \(error)")
        }
        metrics.openedFiles.add()
    }

    private func write(_ chunk: [UInt8]) async throws(ExportError) {
        var from = 0
        while from < chunk.count {
            guard let file else { return }
            do {
                let count = try calls.write(file, chunk, from)
                if count == 0 {
                    try await wait(for: file)
                    continue
                }
                from += count
                metrics.writtenBytes.add(UInt64(count))
                self.file?.wrote(count, last: chunk[from - 1])
            } catch let error as FileError {
                throw giveUp(error)
            } catch {
                throw giveUp(.cancelled)
            }
        }
    }

    /// Waits until a slow reader has taken something, without holding a thread. An agent that is leaving waits
    /// for a second at a time, and not at all once a second has passed in vain.
    private func wait(for file: LineFile) async throws {
        do {
            try await Task.sleep(for: .milliseconds(20))
        } catch {
            if calls.isWritable(file.descriptor, 1000) { return }
            hasGivenUp = true
            throw error
        }
    }

    /// Takes the batch back where that can be done; else remembers that a line is torn.
    private func giveUp(_ error: FileError) -> ExportError {
        if var file {
            if !file.undo(calls), file.tore { metrics.tornLines.add() }
            self.file = file
        }
        return ExportError(reason: error.reason, "'\(path)' cannot be written: \(error)")
    }
}

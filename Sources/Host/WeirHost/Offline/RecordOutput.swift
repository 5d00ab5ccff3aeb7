// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
internal import Synchronization
internal import WeirKit

/// Writes records as `json_lines` does, to wherever the command wants them.
final class RecordOutput: RecordExporter {
    private let write: @Sendable ([UInt8]) throws(SystemError) -> Void
    /// Why writing stopped.
    private let stopped = Mutex<SystemError?>(nil)

    init(_ write: @escaping @Sendable ([UInt8]) throws(SystemError) -> Void) { self.write = write }

    var failure: SystemError? { stopped.withLock { $0 } }

    func export(_ records: RecordBatch) async throws(ExportError) {
        if failure != nil { return }
        var lines = RecordLines(records)
        var bytes: [UInt8] = []
        for row in records.rows { lines.append(row, to: &bytes) }
        do throws(SystemError) { try write(bytes) } catch { stopped.withLock { $0 = error } }
    }
}

/// Keeps bytes for a test.
final class ByteCollector: Sendable {
    private let all = Mutex<[UInt8]>([])
    func add(_ bytes: [UInt8]) { all.withLock { $0 += bytes } }
    var bytes: [UInt8] { all.withLock { $0 } }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
internal import Synchronization
package import WeirKit

/// Makes lines of records as they come, and of series at an interval; `LineWriter` brings both to their file.
package final class JSONLinesExporter: RecordExporter, MetricExporter {
    package let servesPage = false
    package var readingInterval: Duration? { interval }

    private let interval: Duration
    private let clock: @Sendable () -> UInt64
    private let metrics: Metrics
    private let writer: LineWriter
    /// One write(2) each; a batch is smaller than that more often than not. Small beside the size of a file that is rotated.
    private let chunkBytes: Int
    private let state = Mutex(State())

    private struct State {
        var written = WrittenSeries()
        /// Of the last reading, in nanoseconds since 1970.
        var time: UInt64 = 0
        /// Who still writes: the file is closed behind the last.
        var writesRecords = false
        var writesMetrics = false
        var isFinished = false
    }

    package init(_ options: JSONLinesOptions, _ context: PluginContext, calls: FileCalls = .system) {
        interval = options.interval
        clock = context.wallClock
        metrics = Metrics(context.metrics)
        writer = LineWriter(options, context, metrics, calls: calls)
        chunkBytes = min(256 << 10, (options.rotate?.size?.bytes ?? .max) / 4)
    }

    // MARK: Records.

    package func export(_ records: RecordBatch) async throws(ExportError) {
        if records.count == 0 { return }
        state.withLock { $0.writesRecords = true }
        var lines = RecordLines(records)
        var chunk: [UInt8] = []
        chunk.reserveCapacity(chunkBytes + 4096)
        var written = 0
        for row in records.rows {
            lines.append(row, to: &chunk)
            guard chunk.count >= chunkBytes || row == records.rows.last else { continue }
            do throws(LineWriter.Unwritten) {
                try await writer.write(chunk)
            } catch {
                throw ExportError(reason: error.reason, error.description, delivered: written + error.lines)
            }
            written = row + 1
            chunk.removeAll(keepingCapacity: true)
        }
    }

    package func finish() async {
        let isLast = state.withLock { state in
            state.writesRecords = false
            return !state.writesMetrics
        }
        if isLast { await writer.close() }
    }

    // MARK: Metrics.

    package func run(_ series: SeriesReader) async throws {
        // What is there already came from before.
        let reading = series.read(bornAtZero: false)
        let isFinished = state.withLock { state in
            if state.isFinished { return true }
            state.writesMetrics = true
            state.written.begin(reading)
            return false
        }
        if isFinished { return }
        var next = ContinuousClock.now + interval
        while true {
            try await Task.sleep(until: next, clock: .continuous)
            try await write(series.read(bornAtZero: false), isLast: false)
            next += interval
            while next <= .now {
                next += interval
                metrics.skippedReadings.add()
            }
        }
    }

    /// What was counted since. A disk that does not take it is tried until the host has waited long enough.
    package func finish(_ series: SeriesReader) async {
        let isFirst = state.withLock { state in
            defer { state.isFinished = true }
            return !state.isFinished && state.writesMetrics
        }
        if isFirst { try? await write(series.read(bornAtZero: false), isLast: true) }
        let isLast = state.withLock { state in
            state.writesMetrics = false
            return !state.writesRecords
        }
        if isLast { await writer.close() }
    }

    /// Writes all series as they stood at one moment. After the last reading, what no line says is lost.
    private func write(_ reading: [MetricSnapshot], isLast: Bool) async throws(LineWriter.Unwritten) {
        metrics.readings.add()
        let time = state.withLock { state in
            // A clock that was set back may not make time go backward.
            state.time = max(state.time, clock())
            return state.time
        }
        var failure: LineWriter.Unwritten?
        for snapshot in reading {
            var written = 0
            do throws(LineWriter.Unwritten) {
                if let failure { throw failure }
                try await write(snapshot, time, &written)
            } catch {
                failure = error
            }
            for loss in state.withLock({ $0.written.take(snapshot, first: written, isLast: isLast) }) {
                metrics.lost(snapshot.name, loss.reason.rawValue).add(loss.amount)
            }
        }
        if let failure { throw failure }
    }

    /// `written` are the series whose lines are in the file.
    private func write(_ snapshot: MetricSnapshot, _ time: UInt64, _ written: inout Int) async throws(LineWriter.Unwritten) {
        let lines = MetricLines(snapshot, at: time, since: state.withLock { $0.written.values(of: snapshot.name) })
        var chunk: [UInt8] = []
        for series in snapshot.values.indices {
            lines.append(series, to: &chunk)
            guard chunk.count >= chunkBytes || series == snapshot.values.count - 1 else { continue }
            do throws(LineWriter.Unwritten) {
                try await writer.write(chunk)
            } catch {
                written += error.lines
                throw error
            }
            written = series + 1
            chunk.removeAll(keepingCapacity: true)
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import Logging
package import WeirKit
internal import Synchronization

/// The bounded queue between the data thread and one record exporter, and the exporter's own book:
/// offered = delivered + queued + Σ lost{reason}. Its losses never touch the other two books.
package final class ExportQueue: Sendable {
    private struct State {
        var batches: [RecordBatch] = []
        var records = 0
        var isClosed = false
    }

    package let name: String
    private let exporter: any RecordExporter
    /// Records that may wait.
    let limit: Int
    private let log: Logger
    private let state = Mutex(State())
    private let wake: AsyncStream<Void>.Continuation
    private let wakes: AsyncStream<Void>
    private let registry: MetricRegistry
    private let offered: Cell
    private let delivered: Cell
    private let queued: Cell

    /// `limit` counts records; a batch that would pass it is lost whole, unless the queue is empty.
    package init(name: String, exporter: any RecordExporter, limit: Int, registry: MetricRegistry, log: Logger) {
        self.name = name
        self.exporter = exporter
        self.limit = limit
        self.log = log
        self.registry = registry.labelled("exporter", name)
        offered = self.registry.counter("weir_export_offered_records_total", "Records that the pipeline offered to the exporter.")
        delivered = self.registry.counter("weir_export_delivered_records_total", "Records that the exporter delivered.")
        queued = self.registry.gauge("weir_export_queued_records", "Records that wait for the exporter.")
        (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Called on the data thread; never waits.
    func offer(_ batch: RecordBatch) {
        offered.add(UInt64(batch.count))
        let isTaken = state.withLock { state in
            guard !state.isClosed, state.records == 0 || state.records + batch.count <= limit else { return false }
            state.batches.append(batch)
            state.records += batch.count
            queued.set(UInt64(state.records))
            return true
        }
        if isTaken { wake.yield() } else { lose(batch.count, "queue_full") }
    }

    private func lose(_ count: Int, _ reason: String) {
        registry.counter("weir_export_lost_records_total", "Records that were not delivered.", [("reason", reason)]).add(UInt64(count))
    }

    /// Exports batch after batch until `close`, then what is left, then finishes the exporter.
    package func run() async {
        while true {
            while let batch = next() { await export(batch) }
            if state.withLock({ $0.isClosed && $0.batches.isEmpty }) { break }
            for await _ in wakes { break }
        }
        await exporter.finish()
    }

    /// Exports what waits and returns: for a run without tasks of its own.
    package func deliver() async { while let batch = next() { await export(batch) } }

    private func next() -> RecordBatch? { state.withLock { $0.batches.first } }

    private func export(_ batch: RecordBatch) async {
        do throws(ExportError) {
            // Once the agent has stopped waiting, what is left is lost at once, not after one time-out each.
            if Task.isCancelled { throw ExportError(reason: "cancelled", "the agent leaves") }
            try await exporter.export(batch)
            delivered.add(UInt64(batch.count))
        } catch {
            delivered.add(UInt64(error.delivered))
            lose(batch.count - error.delivered, error.reason)
            log.warning("records lost", metadata: ["exporter": "\(name)", "reason": "\(error.reason)", "error": "\(error)"])
        }
        state.withLock { state in
            state.batches.removeFirst()
            state.records -= batch.count
            queued.set(UInt64(state.records))
        }
    }

    /// No more batches come: `run` ends when the queue is empty.
    package func close() {
        state.withLock { $0.isClosed = true }
        wake.yield()
    }
}

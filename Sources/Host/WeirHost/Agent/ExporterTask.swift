// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WeirKit
internal import WeirPipeline

/// One metric exporter: it begins when there are series, and ends with its last word, or hands that on.
final class ExporterTask: LongTask {
    let ending = TaskEnding()
    let instance: Configuration.MetricInstance
    private let runner: StageRunner
    /// Nil when it ends without having begun.
    private let series = Gate<SeriesRelay?>()
    private let mayEnd = Gate<Void>()
    private let successor = Mutex<(any MetricExporter)?>(nil)
    private let done = Gate<Void>()

    init(_ instance: Configuration.MetricInstance, _ runner: StageRunner) {
        self.instance = instance
        self.runner = runner
    }

    /// The series are there: it begins, or reads those of the next pipeline from here on.
    func read(_ book: SeriesBook) {
        let reader = book.reader(metrics: instance.metrics, naming: instance.naming)
        if let relay = series.value ?? nil {
            relay.turn(to: reader)
        } else {
            series.open(SeriesRelay(reader))
        }
    }

    /// No more is counted: it says its last word, or `next` takes over what it has still to say.
    func end(for next: (any MetricExporter)? = nil) {
        if let next { successor.withLock { $0 = next } }
        mayEnd.open()
    }

    /// Whether there is nothing to wait for: it never began, or all is said.
    var isDone: Bool { series.value.map { $0 == nil } ?? true || done.value != nil }

    func work() async {
        await withTaskCancellationHandler {
            guard let relay = await series.wait() else { return }
            await withDiscardingTaskGroup { group in
                group.addTask { [self] in await runner.run { [self] in try await instance.exporter.run(relay.reader) } }
                await mayEnd.wait()
                group.cancelAll()
            }
            // By a task that nobody has cancelled yet, if there was time.
            if let next = successor.withLock({ $0 }) {
                await next.takeOver(from: instance.exporter, relay.reader)
            } else {
                await instance.exporter.finish(relay.reader)
            }
            done.open()
        } onCancel: {
            series.open(nil)
            mayEnd.open()
        }
    }
}

/// One record exporter behind its queue.
final class QueueTask: LongTask {
    let ending = TaskEnding()
    let queue: ExportQueue
    private let done = Gate<Void>()

    init(_ queue: ExportQueue) { self.queue = queue }

    /// The queue is empty, and the exporter finished.
    var isDone: Bool { done.value != nil }

    func work() async {
        await queue.run()
        done.open()
    }
}

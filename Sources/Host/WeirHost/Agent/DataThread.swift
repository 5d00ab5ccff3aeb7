// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization
internal import WeirCapture
internal import WeirKit
internal import WeirPipeline

/// The one thread that waits for the kernel, drains it and runs the pipeline; the rest of the agent talks to it in orders.
final class DataThread: Sendable {
    private let registry: MetricRegistry
    private let log: Logger
    private let orders = Mutex<[DataOrder]>([])
    private let interruptor = Mutex<CaptureInterruptor?>(nil)
    private let lastBeat = Atomic<UInt64>(0)

    init(registry: MetricRegistry, log: Logger) {
        self.registry = registry
        self.log = log
    }

    /// Loads and attaches on the new thread, and answers when the kernel counts or will not.
    func start(_ work: DataWork) async -> Result<SeriesBook, CaptureError> {
        let started = Gate<Result<SeriesBook, CaptureError>>()
        DedicatedThread.start("weir-data") { [self] in
            do throws(CaptureError) {
                var loop = try DataLoop(work, registry: registry, log: log)
                let wake = loop.interruptor
                interruptor.withLock { $0 = wake }
                beat()
                started.open(.success(loop.series))
                loop.run(orders: { orders.withLock { taken in defer { taken = [] }; return taken } }, beat: { beat() })
            } catch {
                started.open(.failure(error))
            }
        }
        return await started.wait()
    }

    /// Hands over to another configuration at a window's edge.
    func swap(to work: DataWork) async -> Result<SeriesBook, CaptureError> {
        let answer = Gate<Result<SeriesBook, CaptureError>>()
        send(.swap(work, answer))
        return await answer.wait()
    }

    func stop() async {
        let done = Gate<Void>()
        send(.stop(done))
        await done.wait()
    }

    /// How long ago the thread last came by.
    var sinceBeat: Duration {
        let last = lastBeat.load(ordering: .relaxed)
        let now = SystemFacts.monotonicNanoseconds
        return .nanoseconds(now > last ? now - last : 0)
    }

    private func beat() { lastBeat.store(SystemFacts.monotonicNanoseconds, ordering: .relaxed) }

    private func send(_ order: DataOrder) {
        orders.withLock { $0.append(order) }
        interruptor.withLock { $0 }?.interrupt()
    }
}

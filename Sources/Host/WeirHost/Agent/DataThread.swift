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
    /// One for all captures of this thread: a reload that starts another capture leaves the bell where orders ring it.
    private let interruptor = Mutex<CaptureInterruptor?>(nil)
    private let lastBeat = Atomic<UInt64>(0)
    private let window = Mutex(Duration.zero)

    init(registry: MetricRegistry, log: Logger) {
        self.registry = registry
        self.log = log
    }

    /// Loads and attaches on the new thread, and answers when the kernel counts or will not.
    func start(_ work: DataWork) async -> Result<SeriesBook, CaptureError> {
        window.withLock { $0 = work.window }
        let started = Gate<Result<SeriesBook, CaptureError>>()
        DedicatedThread.start("weir-data") { [self] in
            do throws(CaptureError) {
                let wake = try CaptureInterruptor()
                var loop = try DataLoop(work, interruptor: wake, registry: registry, log: log)
                interruptor.withLock { $0 = wake }
                beat()
                started.open(.success(loop.series))
                loop.run(
                    orders: {
                        orders.withLock { taken in
                            defer { taken = [] }; return taken
                        }
                    }, beat: { beat() })
            } catch {
                started.open(.failure(error))
            }
        }
        return await started.wait()
    }

    /// Hands over to another configuration at a window's edge.
    func swap(to work: DataWork) async -> Result<SeriesBook, CaptureError> {
        let answer = Gate<Result<SeriesBook, CaptureError>>()
        // The longer of the two until the swap is done: neither thread nor window is late in between.
        let before = window.withLock { window in
            defer { window = max(window, work.window) }
            return window
        }
        send(.swap(work, answer))
        let outcome = await answer.wait()
        window.withLock { if case .success = outcome { $0 = work.window } else { $0 = before } }
        return outcome
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

    /// So long without a sign is not healthy: three windows, and never less than 30 s.
    var patience: Duration { max(window.withLock { $0 } * 3, .seconds(30)) }

    private func beat() { lastBeat.store(SystemFacts.monotonicNanoseconds, ordering: .relaxed) }

    private func send(_ order: DataOrder) {
        orders.withLock { $0.append(order) }
        interruptor.withLock { $0 }?.interrupt()
    }
}

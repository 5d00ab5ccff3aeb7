// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization
internal import WeirKit
internal import WeirPipeline

/// Every task of one configuration in one tree: stages that learn, queues that drain, exporters that read. A reload
/// starts a new tree before it stops the old one.
final class StageTree: Sendable {
    let configuration: Configuration
    let plan: Plan
    let covered: CoveredSet
    private let queues: [ExportQueue]
    private let states: StageStates
    private let registry: MetricRegistry
    private let log: Logger
    private let series = Gate<SeriesBook?>()
    private let stopped = Gate<Void>()
    private let ended = Gate<Void>()
    private let queuesLeft: Mutex<Int>
    private let queuesDone = Gate<Void>()

    /// Inert: nothing starts before `run()`.
    init(_ configuration: Configuration, files: ConfigFiles, states: StageStates, registry: MetricRegistry, log: Logger) {
        self.configuration = configuration
        self.states = states
        self.registry = registry
        self.log = log
        let assembly = Assembly(configuration, registry: registry, log: log)
        plan = assembly.plan
        queues = assembly.queues
        queuesLeft = Mutex(queues.count)
        covered = CoveredSet(configuration.accounting, files: files, registry: registry, log: log)
        if queues.isEmpty { queuesDone.open() }
    }

    /// What the data thread needs of this configuration.
    var work: DataWork {
        DataWork(
            plan: plan, capture: MemoryBudget.here.fitting(configuration.capture.plan(for: plan.keyFields)), window: configuration.capture.window,
            covered: covered,
            invalidations: configuration.invalidations)
    }

    /// Enrichers learn at once; metric exporters wait for `export(_:)`. Returns after `stop()`.
    func run() async {
        await withDiscardingTaskGroup { group in
            for (index, enricher) in configuration.enrichers.enumerated() where plan.isNeeded(index) {
                switch enricher.stage {
                case .endpoint(let stage): start(enricher.name, &group) { try await stage.run() }
                case .flow(let stage): start(enricher.name, &group) { try await stage.run() }
                case .records, .metrics: break
                }
            }
            let covered = covered
            start("covered", &group) { try await covered.run() }
            for queue in queues {
                group.addTask { [self] in
                    await queue.run()
                    if queuesLeft.withLock({
                        $0 -= 1; return $0 == 0
                    }) {
                        queuesDone.open()
                    }
                }
            }
            if let series = await series.wait() {
                for exporter in configuration.metricExporters {
                    let reader = series.reader(metrics: exporter.metrics)
                    start(exporter.name, &group) { try await exporter.exporter.run(reader) }
                }
            }
            await stopped.wait()
            group.cancelAll()
        }
        ended.open()
    }

    private func start(_ name: String, _ group: inout DiscardingTaskGroup, _ body: @escaping @Sendable () async throws -> Void) {
        let runner = StageRunner(name, states: states, registry: registry, log: log)
        group.addTask { await runner.run(body) }
    }

    /// The counters exist: metric exporters may begin.
    func export(_ book: SeriesBook) { series.open(book) }

    /// No more records come. Waits until the queues are empty and their exporters finished, but not for ever.
    func flush(within limit: Duration) async {
        for queue in queues { queue.close() }
        let late = Task { [queuesDone] in
            try await Task.sleep(for: limit)
            queuesDone.open()
        }
        await queuesDone.wait()
        late.cancel()
        if queuesLeft.withLock({ $0 }) > 0 { log.warning("records were left behind: an exporter took too long") }
    }

    /// Cancels what still runs, and waits until it has ended.
    func stop() async {
        for queue in queues { queue.close() }
        series.open(nil)
        stopped.open()
        await ended.wait()
    }

    /// The stages of this tree that `next` has not.
    func names(missingIn next: StageTree) -> [String] {
        let kept = Set(next.names)
        return names.filter { !kept.contains($0) }
    }

    private var names: [String] { configuration.enrichers.map(\.name) + configuration.metricExporters.map(\.name) }
}

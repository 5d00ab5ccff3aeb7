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
    private let taps = LiveTaps()
    private let queues: [ExportQueue]
    private let states: StageStates
    private let registry: MetricRegistry
    private let log: Logger
    private let series = Gate<SeriesBook?>()
    /// Names of metric exporters that go on from those of the tree before, and wait for these to end.
    private let heirs = Mutex<Set<String>>([])
    private let heirsMayBegin = Gate<Void>()
    /// What goes on from exporters of this tree, by their names.
    private let successors = Mutex<[String: any MetricExporter]>([:])
    private let stopped = Gate<Void>()
    /// False when it took too long.
    private let ended = Gate<Bool>()
    private let queuesLeft: Mutex<Int>
    private let queuesDone = Gate<Void>()
    private let exportersMayEnd = Gate<Void>()
    private let exportersLeft: Mutex<Int>
    private let exportersDone = Gate<Void>()

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
        exportersLeft = Mutex(configuration.metricExporters.count)
        covered = CoveredSet(configuration.accounting, files: files, registry: registry, log: log)
        // Before any exporter looks.
        for (index, enricher) in configuration.enrichers.enumerated() where plan.isStarted(index) {
            if enricher.stage.enricher?.tellsResource == true { configuration.resource.handle(rank: index).expect() }
        }
        if queues.isEmpty { queuesDone.open() }
        if configuration.metricExporters.isEmpty { exportersDone.open() }
    }

    /// What the data thread needs of this configuration.
    var work: DataWork {
        DataWork(
            plan: plan, capture: MemoryBudget.here.fitting(configuration.capture.plan(for: plan.keyFields, configuration.accounting)),
            window: configuration.capture.window, covered: covered,
            invalidations: configuration.invalidations, taps: taps)
    }

    /// What clients of `weir tap` see of this configuration.
    var tap: TapContext { TapContext(plan: plan, catalog: configuration.catalog, window: configuration.capture.window, taps: taps) }

    /// Enrichers learn at once; metric exporters wait for `export(_:)`. Returns after `stop()`.
    func run() async {
        await withDiscardingTaskGroup { group in
            for (index, enricher) in configuration.enrichers.enumerated() where plan.isStarted(index) {
                let asked = plan.asked[index]
                guard let stage = enricher.stage.enricher else { continue }
                let resource = configuration.resource.handle(rank: index)
                start(enricher.name, .learns, &group) {
                    defer { resource.settle() }
                    try await stage.run(for: asked)
                }
            }
            let covered = covered
            start("covered", .learns, &group) { try await covered.run() }
            for queue in queues {
                group.addTask { [self] in
                    await queue.run()
                    countDown(queuesLeft, queuesDone)
                }
            }
            if let series = await series.wait() {
                let heirs = heirs.withLock { $0 }
                for exporter in configuration.metricExporters {
                    let reader = series.reader(metrics: exporter.metrics, naming: exporter.naming)
                    group.addTask { [self] in
                        if heirs.contains(exporter.name) { await heirsMayBegin.wait() }
                        await run(exporter, reader)
                    }
                }
            }
            await stopped.wait()
            group.cancelAll()
        }
        ended.open(true)
    }

    /// Runs until the exporters are to end; the last word is said, or handed on, by a task that nobody has cancelled yet.
    private func run(_ instance: Configuration.MetricInstance, _ reader: SeriesReader) async {
        await withDiscardingTaskGroup { group in
            start(instance.name, .exports, &group) { try await instance.exporter.run(reader) }
            await exportersMayEnd.wait()
            group.cancelAll()
        }
        if let next = successors.withLock({ $0[instance.name] }) {
            await next.takeOver(from: instance.exporter, reader)
        } else {
            await instance.exporter.finish(reader)
        }
        countDown(exportersLeft, exportersDone)
    }

    private func countDown(_ count: borrowing Mutex<Int>, _ done: Gate<Void>) {
        let left = count.withLock { count in
            count -= 1
            return count
        }
        if left == 0 { done.open() }
    }

    private func start(
        _ name: String, _ role: StageRole, _ group: inout DiscardingTaskGroup, _ body: @escaping @Sendable () async throws -> Void
    ) {
        let runner = StageRunner(name, role, states: states, registry: registry, log: log)
        group.addTask { await runner.run(body) }
    }

    /// The counters exist: metric exporters may begin.
    func export(_ book: SeriesBook) { series.open(book) }

    /// The same after `previous`, whose metric exporters end here: those that go on from one of them begin after it, the others before
    /// anything ends, so that there is no moment in which nobody answers scrapes.
    func export(_ book: SeriesBook, after previous: StageTree, within limit: Duration, hurry: Gate<Void>) async {
        var going: [String: any MetricExporter] = [:]
        for instance in configuration.metricExporters {
            let before = previous.configuration.metricExporters.first { $0.name == instance.name }
            if let before, instance.exporter.goesOn(from: before.exporter) { going[instance.name] = instance.exporter }
        }
        heirs.withLock { $0 = Set(going.keys) }
        previous.successors.withLock { $0 = going }
        export(book)
        await previous.endMetrics(within: limit, hurry: hurry)
        heirsMayBegin.open()
    }

    /// No more records come. Waits until the queues are empty and their exporters finished, but not for ever: once
    /// `hurry` is open, half a second at the most.
    func flush(within limit: Duration, hurry: Gate<Void>? = nil) async {
        for queue in queues { queue.close() }
        await wait(for: queuesDone, within: limit, hurry)
        if queuesLeft.withLock({ $0 }) > 0 { log.warning("records were left behind: an exporter took too long") }
    }

    /// No more is counted. Ends the metric exporters and waits until each has said its last word, no longer than `flush` does.
    func endMetrics(within limit: Duration, hurry: Gate<Void>? = nil) async {
        exportersMayEnd.open()
        // Without series they never began.
        guard series.value.map({ $0 != nil }) == true else { return }
        await wait(for: exportersDone, within: limit, hurry)
        if exportersLeft.withLock({ $0 }) > 0 { log.warning("the last values were not delivered: an exporter took too long") }
    }

    private func wait(for done: Gate<Void>, within limit: Duration, _ hurry: Gate<Void>?) async {
        let late = Task {
            var end = ContinuousClock.now + limit
            var isHurried = false
            while ContinuousClock.now < end {
                if !isHurried, hurry?.value != nil {
                    isHurried = true
                    end = min(end, .now + .milliseconds(500))
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            done.open()
        }
        await done.wait()
        late.cancel()
    }

    /// Cancels what still runs, and waits until it has ended; a stage that does not heed this is left behind.
    func stop() async {
        for queue in queues { queue.close() }
        series.open(nil)
        heirsMayBegin.open()
        exportersMayEnd.open()
        stopped.open()
        let late = Task { [ended] in
            try await Task.sleep(for: Self.timeToEnd)
            ended.open(false)
        }
        let isEnded = await ended.wait()
        late.cancel()
        if !isEnded { log.warning("a stage did not stop in time and is left behind", metadata: ["after": "\(Self.timeToEnd.configText)"]) }
    }

    /// A stage that was cancelled has only to return.
    private static let timeToEnd = Duration.milliseconds(500)

    /// What the states and counters of this tree are called that `next` has not, by their label.
    func names(missingIn next: StageTree) -> [(label: String, name: String)] {
        let kept = next.names
        return names.filter { name in !kept.contains { $0 == name } }
    }

    private var names: [(label: String, name: String)] {
        // The host runs an exporter of metrics as it runs any stage, so it has counters of both.
        configuration.enrichers.map { ("stage", $0.name) } + configuration.metricExporters.flatMap { [("stage", $0.name), ("exporter", $0.name)] }
            + configuration.recordExporters.map { ("exporter", $0.name) }
    }
}

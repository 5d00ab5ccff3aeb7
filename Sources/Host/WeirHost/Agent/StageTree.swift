// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import Logging
package import WeirKit
package import WeirPipeline

/// Every task of one configuration: stages that learn, queues that drain, exporters that read.
///
/// A reload makes a tree beside the one that runs. Tasks of instances that go on are in both; the others of the new tree begin before
/// those of the old one end.
package final class StageTree: Sendable {
    package let configuration: Configuration
    package let plan: Plan
    package let covered: CoveredSet
    private let taps = LiveTaps()
    private let enrichers: [EnricherTask]
    private let queues: [QueueTask]
    private let exporters: [ExporterTask]
    private let others: [any LongTask]
    /// What was in the tree before: it runs already.
    private let kept: Set<ObjectIdentifier>
    /// How many instances go on from the tree before.
    package let keptCount: Int
    private let log: Logger

    /// Inert: nothing starts before `begin`. `files` are those that the configuration names, without its instances'.
    package init(
        _ configuration: Configuration, files: ConfigFiles, after previous: StageTree? = nil, states: StageStates, registry: MetricRegistry,
        log: Logger
    ) {
        self.configuration = configuration
        self.log = log
        func runner(_ name: String, _ role: StageRole) -> StageRunner { StageRunner(name, role, states: states, registry: registry, log: log) }
        let goingOn = Set(configuration.instances.values.filter { previous?.configuration.instances[$0.name] === $0 }.map(\.name))
        func running<Task>(_ tasks: [Task]?, _ name: (Task) -> String, is wanted: String) -> Task? {
            goingOn.contains(wanted) ? tasks?.first { name($0) == wanted } : nil
        }

        let assembly = Assembly(configuration, registry: registry, log: log) { name in
            running(previous?.queues, \.queue.name, is: name)?.queue
        }
        plan = assembly.plan
        queues = assembly.queues.map { queue in previous?.queues.first { $0.queue === queue } ?? QueueTask(queue) }
        enrichers = configuration.enrichers.compactMap { enricher in
            if let task = running(previous?.enrichers, \.instance.name, is: enricher.name) { return task }
            guard let instance = configuration.instances[enricher.name], let stage = enricher.stage.enricher else { return nil }
            return EnricherTask(instance, stage, runner(enricher.name, .learns))
        }
        exporters = configuration.metricExporters.map { instance in
            running(previous?.exporters, \.instance.name, is: instance.name) ?? ExporterTask(instance, runner(instance.name, .exports))
        }
        let covered = CoveredSet(configuration.accounting, files: files, registry: registry, log: log)
        self.covered = covered
        let coveredRunner = runner("covered", .learns)
        others = [PlainTask { await coveredRunner.run { try await covered.run() } }]
        kept = Set((previous?.tasks ?? []).map { ObjectIdentifier($0) })
        keptCount = goingOn.count
    }

    private var tasks: [any LongTask] { (enrichers as [any LongTask]) + queues + exporters + others }

    private func isKept(_ task: any LongTask) -> Bool { kept.contains(ObjectIdentifier(task)) }

    /// The tasks that end with this tree; those that are in `next` too do not.
    private func leaving(_ next: StageTree?) -> (any LongTask) -> Bool {
        let staying = Set((next?.tasks ?? []).map(ObjectIdentifier.init))
        return { task in !staying.contains(ObjectIdentifier(task)) }
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

    // MARK: The beginning.

    /// Starts what does not run yet: enrichers learn at once, metric exporters wait for series.
    package func begin(in root: TaskRoot) -> Beginners {
        var beginners: [EnricherTask] = []
        for (index, enricher) in enrichers.enumerated() where plan.isStarted(index) {
            if enricher.learn(plan.asked[index]) { beginners.append(enricher) }
        }
        for task in tasks where !isKept(task) { root.start(task) }
        return Beginners(tasks: beginners)
    }

    /// Enrichers that have begun to learn, or to learn something more.
    package struct Beginners: Sendable {
        fileprivate let tasks: [EnricherTask]
        /// Those that have not learned yet what they learn unasked.
        package var unready: [String] { tasks.filter { !$0.isReady }.map(\.instance.name) }

        /// Waits until all are ready, no longer than `limit`, and only until `hurry` is open; those that are not ready then.
        package func wait(within limit: Duration, hurry: Gate<Void>) async -> [String] {
            let end = ContinuousClock.now + limit
            while true {
                let unready = unready
                guard !unready.isEmpty, hurry.value == nil, ContinuousClock.now < end else { return unready }
                guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return unready }
            }
        }
    }

    /// The first counters exist: metric exporters may begin.
    package func export(_ book: SeriesBook) {
        settle()
        for exporter in exporters { exporter.read(book) }
    }

    /// This configuration is the one that runs: its stages describe the host, and those that nobody asks rest.
    private func settle() {
        configuration.resource.arrange(configuration.enrichers.compactMap { configuration.instances[$0.name]?.resource })
        for (index, enricher) in enrichers.enumerated() where !plan.isStarted(index) { enricher.rest() }
    }

    /// The counters go on after `previous`, whose other metric exporters end here: those that go on from one of them begin after it, the
    /// others before anything ends, so that there is no moment in which nobody answers scrapes.
    package func export(_ book: SeriesBook, after previous: StageTree, within limit: Duration, hurry: Gate<Void>) async {
        settle()
        var heirs: [(exporter: ExporterTask, before: ExporterTask)] = []
        for exporter in exporters {
            let before = previous.exporters.first { $0.instance.name == exporter.instance.name }
            if let before, before !== exporter, exporter.instance.exporter.goesOn(from: before.instance.exporter) {
                heirs.append((exporter, before))
            } else {
                exporter.read(book)
            }
        }
        for (exporter, before) in heirs { before.end(for: exporter.instance.exporter) }
        await previous.endMetrics(but: self, within: limit, hurry: hurry)
        for (exporter, _) in heirs { exporter.read(book) }
    }

    // MARK: The end.

    /// No more records come. Waits until the queues are empty and their exporters finished, but not for ever: once
    /// `hurry` is open, half a second at the most. `next` goes on with some.
    package func flush(but next: StageTree? = nil, within limit: Duration, hurry: Gate<Void>? = nil) async {
        let leaving = queues.filter(leaving(next))
        for task in leaving { task.queue.close() }
        if await !wait(within: limit, hurry, until: { leaving.allSatisfy(\.isDone) }) {
            log.warning("records were left behind: an exporter took too long")
        }
    }

    /// No more is counted. Ends the metric exporters and waits until each has said its last word, no longer than `flush` does.
    package func endMetrics(but next: StageTree? = nil, within limit: Duration, hurry: Gate<Void>? = nil) async {
        let leaving = exporters.filter(leaving(next))
        for exporter in leaving { exporter.end() }
        if await !wait(within: limit, hurry, until: { leaving.allSatisfy(\.isDone) }) {
            log.warning("the last values were not delivered: an exporter took too long")
        }
    }

    /// False when it took too long.
    private func wait(within limit: Duration, _ hurry: Gate<Void>?, until isDone: () -> Bool) async -> Bool {
        var end = ContinuousClock.now + limit
        var isHurried = false
        while !isDone() {
            guard ContinuousClock.now < end, (try? await Task.sleep(for: .milliseconds(5))) != nil else { return false }
            if !isHurried, hurry?.value != nil {
                isHurried = true
                end = min(end, .now + .milliseconds(500))
            }
        }
        return true
    }

    /// Cancels what still runs and `next` does not go on with, and waits until it has ended; a stage that does not heed this is left behind.
    package func stop(but next: StageTree? = nil) async {
        let leaving = tasks.filter(leaving(next))
        for queue in queues where leaving.contains(where: { $0 === queue }) { queue.queue.close() }
        for task in leaving { task.stop() }
        if await !wait(within: Self.timeToEnd, nil, until: { leaving.allSatisfy(\.hasEnded) }) {
            log.warning("a stage did not stop in time and is left behind", metadata: ["after": "\(Self.timeToEnd.configText)"])
        }
        // It may have begun to learn for a configuration that came to nothing.
        next?.settle()
    }

    /// A stage that was cancelled has only to return.
    private static let timeToEnd = Duration.milliseconds(500)
}

extension Configuration {
    /// What the states and counters of its instances are called that `other` has not, by their label.
    func names(missingIn other: Configuration) -> [(label: String, name: String)] {
        let kept = other.names
        return names.filter { name in !kept.contains { $0 == name } }
    }

    private var names: [(label: String, name: String)] {
        // The host runs an exporter of metrics as it runs any stage, so it has counters of both.
        enrichers.map { ("stage", $0.name) } + metricExporters.flatMap { [("stage", $0.name), ("exporter", $0.name)] }
            + recordExporters.map { ("exporter", $0.name) }
    }
}

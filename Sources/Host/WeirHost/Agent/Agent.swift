// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WeirCapture
internal import WeirKit
internal import WeirPipeline

/// The running agent: the data thread on one side, one tree of tasks on the other.
final class Agent: Sendable {
    /// Capture detached, pipeline drained: so long may exporters take to be done. The whole has 5 s.
    private static let flushTime = Duration.seconds(3)

    private let loader: ConfigurationLoader
    private let registry: MetricRegistry
    private let routes: HTTPRoutes
    private let log: Logger
    private let threshold: LineLogHandler.Threshold
    private let data: DataThread
    private let states = StageStates()
    private let reloads: ReloadMetrics
    /// So long a reload waits for new stages to be ready.
    private static let readyTime = Duration.seconds(10)

    /// Every task of every configuration.
    private let root = TaskRoot()
    private let requests = AgentRequests()
    private let watch: ConfigWatch

    init(_ loader: ConfigurationLoader, threshold: LineLogHandler.Threshold) {
        self.loader = loader
        self.threshold = threshold
        registry = loader.surroundings.registry
        routes = loader.surroundings.routes
        log = loader.surroundings.log
        data = DataThread(registry: registry, log: log)
        reloads = ReloadMetrics(registry)
        watch = ConfigWatch(loader.path)
    }

    /// What a reload replaces.
    private struct Running {
        var tree: StageTree
        var series: SeriesBook
        var listener: HTTPListener?
        var tap: TapServer?
    }

    /// From any thread. Only the newest counts: however many reloads were asked for, a stop does not wait behind them.
    func ask(_ event: AgentEvent) { requests.add(event) }

    /// Runs until an event says stop, drains everything, and returns how it went. `seen` is how the configuration's files were before
    /// they were read.
    func run(_ configuration: Configuration, _ files: ConfigFiles, seen: WatchedFiles, finalMetrics: String?) async -> ExitStatus {
        Version.publish(registry)
        configuration.log.apply(to: threshold)
        return await withTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { [root] in await root.run() }
            guard var running = await start(configuration, files, &group) else { return .machine }
            let http = running.listener?.address.description ?? "off"
            log.notice("running", metadata: ["window": "\(configuration.capture.window.configText)", "http": "\(http)"])
            watch.follow(configuration, seen)
            group.addTask { [self] in
                await watch.run { [self] in
                    log.notice("the configuration's files changed")
                    ask(.reload)
                }
            }
            for await event in requests.events {
                if event == .stop { break }
                let isReloaded = await reload(&running, &group)
                reloads.note(isReloaded)
                if !isReloaded { log.error("reload refused: the configuration before goes on") }
            }
            return await stop(running, finalMetrics)
        }
    }

    /// Nil when the machine does not let it; the reason is logged.
    private func start(_ configuration: Configuration, _ files: ConfigFiles, _ group: inout TaskGroup<Void>) async -> Running? {
        let tree = StageTree(configuration, files: files, states: states, registry: registry, log: log)
        tell(tree)
        var listener: HTTPListener?
        if let address = configuration.http.listen {
            listener = await listen(address, &group)
            if listener == nil { return nil }
        }
        _ = tree.begin(in: root)
        let tap = openTap(tree)
        switch await data.start(tree.work) {
        case .success(let series):
            tree.export(series)
            return Running(tree: tree, series: series, listener: listener, tap: tap)
        case .failure(let error):
            log.critical("capture failed", metadata: ["error": "\(error)"])
            await tap?.stop("the agent could not capture")
            await tree.stop()
            listener?.stop()
            return nil
        }
    }

    private func listen(_ address: ListenAddress, _ group: inout TaskGroup<Void>) async -> HTTPListener? {
        let health = Health(data: data, states: states, registry: registry)
        let listener = HTTPListener(address, routes: routes, health: health, log: log)
        group.addTask { await listener.run() }
        if let failure = await listener.failure() {
            log.critical("could not listen", metadata: ["listen": "\(address)", "error": "\(failure)"])
            listener.stop()
            return nil
        }
        return listener
    }

    /// The listener of the configuration that goes on; its port was free a moment ago.
    private func listenAgain(_ before: HTTPListener?, _ group: inout TaskGroup<Void>) async -> HTTPListener? {
        guard let address = before?.address else { return nil }
        return await listen(address, &group)
    }

    /// The socket of `weir tap`. Without it the agent does its work all the same.
    private func openTap(_ tree: StageTree) -> TapServer? {
        guard let path = tree.configuration.tap.socket else { return nil }
        do throws(SocketFile.Problem) {
            return try TapServer(at: path, tree.tap, registry: registry, log: log)
        } catch {
            log.warning("no tap: could not listen; tap: off says that none is wanted", metadata: ["socket": "\(path)", "error": "\(error)"])
            return nil
        }
    }

    /// Clients stay where the socket does; where there was none, there may be one now.
    private func moveTap(_ before: TapServer?, to tree: StageTree) async -> TapServer? {
        if let before, before.socket.path == tree.configuration.tap.socket {
            await before.settle(isGood: true)
            return before
        }
        await before?.stop("the configuration was read again, and the tap is elsewhere or off")
        return openTap(tree)
    }

    /// What a careful operator wants to know of a configuration that starts.
    private func tell(_ tree: StageTree) {
        for warning in tree.configuration.warnings(of: tree.plan) { log.warning("\(warning)") }
        let sampling = tree.work.capture.sampling
        if sampling > 1 { log.notice("sampling: all values are estimates", metadata: ["one_in": "\(sampling)"]) }
        let flows = tree.work.capture.maxFlows
        if flows < tree.configuration.capture.maxFlows {
            let wanted = tree.configuration.capture.maxFlows
            log.warning("max_flows lowered to fit the memory", metadata: ["max_flows": "\(flows)", "wanted": "\(wanted)"])
        }
    }

    /// Reads, checks and plans first; only what is right is gone over to, at the edge of a window.
    private func reload(_ running: inout Running, _ group: inout TaskGroup<Void>) async -> Bool {
        let configuration: Configuration
        let files: ConfigFiles
        var seen = watch.look()
        watch.reading(seen)
        switch loader.load(after: running.tree.configuration) {
        case .good(let good, let reader):
            (configuration, files) = (good, reader)
            // Before the new stages are waited for: what changes meanwhile is seen.
            seen = watch.tried(good.referencedFiles, seen)
        case .bad(let problems, let texts):
            watch.tried(texts.asked, seen)
            for problem in problems {
                log.error("configuration wrong", metadata: ["at": "\(problem.position)", "problem": "\(problem.message)"])
            }
            return false
        }
        // The port first: it is what can fail without harm.
        let before = running.listener
        let isListenerKept = configuration.http.listen == before?.address
        // One port on two addresses may be one too many for the system: the old listener lets go first.
        let isHandedOver = !isListenerKept && before != nil && configuration.http.listen?.port == before?.address.port
        if isHandedOver { await before?.end() }
        var fresh: HTTPListener?
        if !isListenerKept, let address = configuration.http.listen {
            fresh = await listen(address, &group)
            if fresh == nil {
                if isHandedOver { running.listener = await listenAgain(before, &group) }
                forget(configuration, but: running.tree.configuration)
                return false
            }
        }
        let next = StageTree(configuration, files: files, after: running.tree, states: states, registry: registry, log: log)
        await wait(for: next.begin(in: root))
        // Before it runs, so that no record of the new pipeline passes a client by.
        await running.tap?.prepare(next.tap)
        // What is still in the kernel goes through the old stages.
        switch await data.swap(to: next.work) {
        case .failure(let error):
            log.error("capture failed", metadata: ["error": "\(error)"])
            await running.tap?.settle(isGood: false)
            await next.stop(but: running.tree)
            forget(configuration, but: running.tree.configuration)
            await fresh?.end()
            if isHandedOver { running.listener = await listenAgain(before, &group) }
            return false
        case .success(let series):
            let tap = await moveTap(running.tap, to: next)
            await running.tree.flush(but: next, within: Self.flushTime, hurry: requests.hurry)
            await next.export(series, after: running.tree, within: Self.flushTime, hurry: requests.hurry)
            log.debug("flushed")
            await running.tree.stop(but: next)
            forget(running.tree.configuration, but: configuration)
            if !isListenerKept { before?.stop() }
            running = Running(tree: next, series: series, listener: isListenerKept ? running.listener : fresh, tap: tap)
        }
        configuration.log.apply(to: threshold)
        watch.follow(configuration, seen)
        tell(next)
        let all = configuration.instances.count
        log.notice("reloaded", metadata: ["files": "\(configuration.files.count)", "instances": "\(all)", "unchanged": "\(next.keptCount)"])
        return true
    }

    /// Nothing is to tell any more of instances that `other` has not.
    private func forget(_ configuration: Configuration, but other: Configuration) {
        for (label, name) in configuration.names(missingIn: other) {
            if label == "stage" { states.forget(name) }
            registry.forget(label, name)
        }
    }

    /// New stages learn while the ones before still answer. Not for long, and not while a stop waits. Another reload waits: the stages that it
    /// finds unchanged would not be waited for again.
    private func wait(for beginners: StageTree.Beginners) async {
        let unready = await beginners.wait(within: Self.readyTime, hurry: requests.hurry)
        guard !unready.isEmpty else { return }
        log.warning(
            "going over to stages that are not ready",
            metadata: [
                "stages": "\(unready.joined(separator: ", "))",
                "reason": requests.hurry.value != nil ? "the agent stops" : "\(Self.readyTime.configText) have passed",
            ])
    }

    /// Capture, pipeline, exporters: the way the flows go, so that each hands all it has to the next.
    private func stop(_ running: Running, _ finalMetrics: String?) async -> ExitStatus {
        await data.stop()
        log.debug("drained")
        async let left: Void? = running.tap?.stop("the agent stops")
        async let told: Void = running.tree.endMetrics(within: Self.flushTime)
        await running.tree.flush(within: Self.flushTime)
        await told
        _ = await left
        log.debug("flushed")
        await running.tree.stop()
        var status = ExitStatus.fine
        if let path = finalMetrics {
            let last = FinalMetrics(exporters: running.tree.configuration.metricExporters, series: running.series, routes: routes, log: log)
            status = await last.write(to: path)
        }
        running.listener?.stop()
        log.notice("stopped")
        return status
    }
}

/// How reloads went.
private struct ReloadMetrics: Sendable {
    private let good: Cell
    private let bad: Cell
    private let last: Cell

    init(_ registry: MetricRegistry) {
        let help = "Times the configuration was read again."
        good = registry.counter("weir_config_reloads_total", help, [("result", "success")])
        bad = registry.counter("weir_config_reloads_total", help, [("result", "failure")])
        last = registry.gauge("weir_config_last_reload_successful", "1 unless the last reload was refused.")
        last.set(1)
    }

    func note(_ isGood: Bool) {
        (isGood ? good : bad).add()
        last.set(isGood ? 1 : 0)
    }
}

extension LogOptions {
    /// `WEIR_LOG_LEVEL` stands above the file: it is what one sets to look closer for once.
    private static let wanted = SystemFacts.environment["WEIR_LOG_LEVEL"].flatMap { $0.isEmpty ? nil : $0 }

    func apply(to threshold: LineLogHandler.Threshold) {
        threshold.level = Self.wanted.flatMap(LogLevel.init(rawValue:))?.level ?? level.level
    }

    /// What is wrong with `WEIR_LOG_LEVEL`; nil when it is a level or not there.
    static var problem: String? {
        guard let wanted, LogLevel(rawValue: wanted) == nil else { return nil }
        return "WEIR_LOG_LEVEL: '\(wanted)' is not one of \(LogLevel.allCases.map(\.rawValue).joined(separator: ", "))\n"
    }
}

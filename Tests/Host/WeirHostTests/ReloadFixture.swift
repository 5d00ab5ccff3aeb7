// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Logging
internal import Synchronization
internal import WeirHost
internal import WeirKit
internal import WeirPipeline

/// An agent's configuration, stages and pipeline without a kernel, reloaded as the agent does it.
final class ReloadFixture {
    let folder: URL
    let registry = MetricRegistry()
    let routes = HTTPRoutes()
    let root = TaskRoot()
    private let states = StageStates()
    private let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let loader: ConfigurationLoader
    private(set) var tree: StageTree?
    private(set) var series: SeriesBook?
    private var counting: Counting?
    private var now: UInt64 = 1_000_000_000_000

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-reload-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder.appendingPathComponent("plugins.d"), withIntermediateDirectories: true)
        loader = ConfigurationLoader(
            path: folder.path,
            plugins: [PluginEntry(.enrich, NamesPlugin.self), PluginEntry(.export, LinesPlugin.self), PluginEntry(.export, PagePlugin.self)],
            registry: registry, routes: routes, log: log)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Runs `body` with the tasks of all stages beside it.
    func run(_ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [root] in await root.run() }
            defer { group.cancelAll() }
            try await body()
            await tree?.stop()
        }
    }

    func write(_ text: String, to name: String = "weir.yaml") throws {
        try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
    }

    /// Reads, and goes over to what was read if it is right; what is wrong otherwise. `meanwhile` runs when the new stages have begun.
    @discardableResult
    func reload(_ meanwhile: (StageTree.Beginners) async -> Void = { _ in }) async -> [String] {
        let configuration: Configuration
        let files: ConfigFiles
        switch loader.load(after: tree?.configuration) {
        case .good(let good, let reader): (configuration, files) = (good, reader)
        case .bad(let problems, _): return problems.map(\.message)
        }
        let next = StageTree(configuration, files: files, after: tree, states: states, registry: registry, log: log)
        await meanwhile(next.begin(in: root))
        let held = if let counting { counting.handOver() } else { HoldBuffer() }
        let book = SeriesBook(plan: next.plan, adopting: series)
        counting = Counting(
            Pipeline(
                plan: next.plan, covered: next.covered, invalidations: configuration.invalidations, registry: registry, series: book, held: held))
        if let tree {
            await tree.flush(but: next, within: .seconds(10))
            await next.export(book, after: tree, within: .seconds(10), hurry: Gate())
            await tree.stop(but: next)
        } else {
            next.export(book)
        }
        (tree, series) = (next, book)
        return []
    }

    /// One window of flows.
    func window(_ flows: [CapturedFlow]) {
        now += 5_000_000_000
        counting?.window(flows, now)
    }

    /// What an instance counted of itself.
    func count(_ metric: String, _ instance: String) -> UInt64 {
        let cells = registry.read().first { $0.name == "test_\(metric)_total" }?.cells ?? []
        return cells.filter { $0.labels.contains { $0.value == instance } }.reduce(0) { $0 + $1.cell.current }
    }

    /// Waits until that is so, for 10 s.
    func wait(_ isSo: () -> Bool) async -> Bool {
        for _ in 0..<2000 {
            if isSo() { return true }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return isSo()
    }

    /// In the order of the configuration.
    var snapshots: [MetricSnapshot] { series?.reader(final: true).read() ?? [] }
}

/// A pipeline that may be replaced by another.
private final class Counting {
    private var pipeline: Pipeline

    init(_ pipeline: consuming Pipeline) { self.pipeline = pipeline }

    func handOver() -> HoldBuffer { pipeline.handOver() }

    func window(_ flows: [CapturedFlow], _ end: UInt64) {
        pipeline.beginWindow(end - 5_000_000_000..<end, monotonic: end)
        pipeline.consume(flows.span)
        pipeline.endWindow()
    }
}

/// What all plugins here take: a text, and a file.
struct TestOptions: PluginOptions {
    var text = "x"
    var file = ""
    var followed = ""
    /// What the file held.
    var content = ""
    /// A path below the listener.
    var path = ""

    init() {}

    mutating func read(_ section: inout ConfigSection) {
        section.read("text", into: &text)
        section.read("path", into: &path)
        if let node = section.take("file"), let path: String = section.scalar(node) {
            file = path
            content = ((try? section.files.read(path, from: node.position)).map { String(decoding: $0, as: UTF8.self) }) ?? ""
        }
        if let node = section.take("followed"), let path: String = section.scalar(node) {
            followed = path
            _ = try? section.files.followed.read(path, from: node.position)
        }
    }

    static func == (a: TestOptions, b: TestOptions) -> Bool {
        a.text == b.text && a.file == b.file && a.followed == b.followed && a.path == b.path
    }
}

/// Counts how often it was made, and how often its run began and was cancelled.
private struct Life: Sendable {
    private let began: Cell
    private let cancelled: Cell

    init(_ context: PluginContext) {
        context.metrics.counter("test_made_total", "").add()
        began = context.metrics.counter("test_began_total", "")
        cancelled = context.metrics.counter("test_cancelled_total", "")
    }

    func run(_ body: () async throws -> Void) async throws {
        began.add()
        defer { if Task.isCancelled { cancelled.add() } }
        try await body()
    }
}

/// Answers a name for each address once it was asked for it, and was told by `learn`.
enum NamesPlugin: Plugin {
    static let name = "names"
    static let summary = ""
    static let sample = ""
    static func make(_ options: TestOptions, in context: PluginContext) -> BuiltStage { .endpoint(Names(options, context)) }
}

final class Names: EndpointEnricher {
    let writes: Set<Attribute> = [.name, .ownerName]
    let tellsResource = true
    private let life: Life
    private let options: TestOptions
    private let context: PluginContext
    private let knows = Mutex<Set<IPAddress>>([])
    private let answersNow = Atomic(false)

    init(_ options: TestOptions, _ context: PluginContext) {
        life = Life(context)
        self.options = options
        self.context = context
    }

    var isReady: Bool { !["slow", "never"].contains(options.text) || answersNow.load(ordering: .relaxed) }

    func enrich(_ endpoints: inout EndpointBatch) {
        knows.withLock { knows in
            for row in endpoints.rows {
                let isNew = knows.insert(endpoints.address(row)).inserted
                if isNew { context.metrics.counter("test_questions_total", "").add() }
                let answer: Answer = isNew && options.text == "late" ? .pending : .text(options.text)
                endpoints.answer(.name, row, answer)
                endpoints.answer(.ownerName, row, answer)
                if answer == .pending { context.invalidate(.address(endpoints.address(row))) }
            }
        }
    }

    func run(for attributes: Set<Attribute>) async throws {
        context.resource.set(["host.name": options.text])
        try await life.run {
            if options.text == "slow" {
                try await Task.sleep(for: .milliseconds(200))
                answersNow.store(true, ordering: .relaxed)
            }
            while true {
                context.metrics.gauge("test_asked", "").set(UInt64(attributes.count))
                try await Task.sleep(for: .seconds(3600))
            }
        }
    }
}

/// A record exporter.
enum LinesPlugin: Plugin {
    static let name = "lines"
    static let summary = ""
    static let sample = ""
    static func make(_ options: TestOptions, in context: PluginContext) -> BuiltStage { .records(Lines(context)) }
}

struct Lines: RecordExporter {
    private let context: PluginContext

    init(_ context: PluginContext) {
        self.context = context
        context.metrics.counter("test_made_total", "").add()
    }

    func export(_ records: RecordBatch) async throws(ExportError) { context.metrics.counter("test_records_total", "").add(UInt64(records.count)) }
    func finish() async { context.metrics.counter("test_finished_total", "").add() }
}

/// A metric exporter with a page.
enum PagePlugin: Plugin {
    static let name = "page"
    static let summary = ""
    static let sample = ""
    static func make(_ options: TestOptions, in context: PluginContext) throws -> BuiltStage {
        let page = Page(options, context)
        try context.routes.claim(page.path, by: context.instance)
        return .metrics(page)
    }
}

struct Page: MetricExporter {
    let readsResource = true
    let path: String
    private let life: Life
    private let context: PluginContext

    init(_ options: TestOptions, _ context: PluginContext) {
        path = options.path.isEmpty ? "/\(context.instance)" : options.path
        life = Life(context)
        self.context = context
    }

    /// The page is what all series counted since this exporter began, and the host's name.
    func run(_ series: SeriesReader) async throws {
        try await life.run {
            try await context.routes.serve(path) { _ in
                let since = series.read(bornAtZero: false).reduce(UInt64(0)) { sum, metric in
                    zip(metric.values, metric.carried).reduce(sum) { $0 + $1.0 - $1.1 }
                }
                return HTTPAnswer("\(since) \(context.resource.read()["host.name"] ?? "")")
            }
        }
    }

    func finish(_ series: SeriesReader) async { context.metrics.counter("test_finished_total", "").add() }
}

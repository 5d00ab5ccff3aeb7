// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
package import WeirKit
package import WeirPipeline
package import Synchronization
internal import YAMLSource

/// A whole pipeline without kernel, clock or network: flows in, series and records out.
package struct PipelineFixture: ~Copyable {
    package let plan: Plan
    package let registry = MetricRegistry()
    package let invalidations = InvalidationQueue()
    /// Clients of `weir tap`, which a test may add.
    package let taps = LiveTaps()
    package let series: SeriesBook
    package let records: CollectingExporter
    package var pipeline: Pipeline
    package private(set) var now: UInt64 = 1_000_000_000_000
    package private(set) var windows = 0

    /// `yaml` holds the keys `metrics`, `filter`, `pipeline`, `accounting`, `scope` and `records` (attributes of a record
    /// exporter; none without it). `exporter` takes the records instead of `records`, `namings` are those of the metric exporters.
    /// `held` are rows that waited in a pipeline before. `hashSeed` makes two runs do the same work. Traps when it has problems: a test's mistake.
    package init(
        _ yaml: String = "", enrichers: [EnricherInstance] = [], adopting previous: SeriesBook? = nil, held: consuming HoldBuffer = HoldBuffer(),
        exporter: (any RecordExporter)? = nil, namings: [NamingProfile] = [.weir], hashSeed: UInt64? = nil
    ) {
        let problems = ConfigProblems()
        guard let root = YAMLSource.parse(Array(yaml.utf8), file: "fixture.yaml", problems: problems) else {
            preconditionFailure("the fixture is no YAML: \(problems.all)")
        }
        self.init(root, enrichers: enrichers, adopting: previous, held: held, exporter: exporter, namings: namings, hashSeed: hashSeed)
    }

    /// The same from a tree.
    package init(
        _ root: ConfigNode, enrichers: [EnricherInstance] = [], adopting previous: SeriesBook? = nil, held: consuming HoldBuffer = HoldBuffer(),
        exporter: (any RecordExporter)? = nil, namings: [NamingProfile] = [.weir], hashSeed: UInt64? = nil
    ) {
        let problems = ConfigProblems()
        guard var section = ConfigSection(root, problems: problems, files: .none) else {
            preconditionFailure("the fixture is no mapping: \(problems.all)")
        }
        let catalog = Catalog(
            declared: enrichers.flatMap { $0.stage.enricher.map { Array($0.writes) } ?? [] })
        var input = PlanInput()
        input.enrichers = enrichers
        input.metrics = MetricDefinition.readAll(section.take("metrics"), catalog: catalog, namings: namings, problems: problems)
        input.filter = section.take("filter").flatMap { Filter.read($0, catalog: catalog, problems: problems) }
        if var inner = section.section("pipeline") { input.pipeline.read(&inner); _ = inner.finish() }
        if var inner = section.section("accounting") { input.accounting.read(&inner); _ = inner.finish() }
        if var inner = section.section("scope") { input.scope.read(&inner); _ = inner.finish() }
        let collecting = CollectingExporter()
        records = collecting
        if let node = section.take("records") {
            let attributes = AttributeSelection.read(
                node, default: AttributeSelection.Defaults(.weir, catalog).record, catalog: catalog, problems: problems)
            let taker: any RecordExporter = if let exporter { exporter } else { collecting }
            let queue = ExportQueue(name: "records", exporter: taker, limit: 1 << 20, registry: registry, log: Logger(label: "test"))
            input.taps = [RecordTap(name: "records", filter: nil, attributes: attributes, queue: queue)]
        }
        if let hashSeed { input.hashSeed = hashSeed }
        _ = section.finish()
        precondition(problems.count == 0, "the fixture has problems: \(problems.all)")
        plan = Plan(input)
        series = SeriesBook(plan: plan, adopting: previous)
        let covered = CoveredSet(input.accounting, files: .none, registry: registry, log: Logger(label: "test"))
        pipeline = Pipeline(
            plan: plan, covered: covered, invalidations: invalidations, registry: registry, series: series, taps: taps, held: held)
    }

    /// Runs one window.
    package mutating func window(_ flows: [CapturedFlow], nanoseconds: UInt64 = 5_000_000_000) {
        begin(nanoseconds: nanoseconds)
        pipeline.consume(flows.span)
        end()
    }

    /// The parts of `window`, for flows that come chunk by chunk to `pipeline.consume`.
    package mutating func begin(nanoseconds: UInt64 = 5_000_000_000) {
        let end = now + nanoseconds
        windows += 1
        pipeline.beginWindow(now..<end, monotonic: end)
        now = end
    }

    package mutating func end() { pipeline.endWindow() }

    /// Lets a queue deliver, then gives back all records as dictionaries of texts, with `bytes`, `packets` and the start of `window`.
    package func delivered() async -> [[String: String]] {
        for tap in plan.input.taps {
            tap.queue.close()
            await tap.queue.run()
        }
        return records.rows.withLock { $0 }
    }

    /// One metric's series: label texts joined by `|` → value.
    package func values(_ metric: String) -> [String: UInt64] {
        guard let snapshot = series.reader(final: true).read().first(where: { $0.name == metric }) else { return [:] }
        let width = snapshot.attributes.count
        var found: [String: UInt64] = [:]
        for index in snapshot.values.indices {
            let name = index == snapshot.overflow ? "overflow" : snapshot.texts[index * width..<(index + 1) * width].joined(separator: "|")
            found[name, default: 0] += snapshot.values[index]
        }
        return found
    }

    /// A counter or gauge of the agent itself; 0 when it does not exist.
    package func metric(_ name: String, _ label: String? = nil) -> UInt64 {
        let family = registry.read().first { $0.name == name }
        return (family?.cells ?? []).filter { cell in label == nil || cell.labels.contains { $0.value == label } }.reduce(0) { $0 + $1.cell.current }
    }
}

/// Keeps every record it is given.
package final class CollectingExporter: RecordExporter {
    package let rows = Mutex<[[String: String]]>([])

    package init() {}

    package func export(_ records: RecordBatch) async throws(ExportError) {
        rows.withLock { rows in
            for row in records.rows {
                var texts = [
                    "bytes": String(records.bytes[row]), "packets": String(records.packets[row]), "window": String(records.window.lowerBound),
                ]
                for (column, attribute) in records.attributes.enumerated() {
                    switch records.value(column, row) {
                    case .text(let text): texts[attribute.name] = text
                    case .number(let number): texts[attribute.name] = String(number)
                    case nil: break
                    }
                }
                rows.append(texts)
            }
        }
    }
}

extension CapturedFlow {
    /// A flow for tests; traps on what is no address.
    package init(
        _ source: String, _ destination: String, bytes: UInt64 = 100, packets: UInt64 = 1, observer: Observer = .source,
        ports: (UInt16, UInt16) = (0, 0), transport: UInt8 = 6, owners: (UInt64, UInt64) = (0, 0)
    ) {
        guard let from = IPAddress(source), let to = IPAddress(destination) else { preconditionFailure("no address: \(source), \(destination)") }
        self.init(source: from, destination: to, bytes: bytes, packets: packets, observer: observer)
        (sourcePort, destinationPort) = ports
        (sourceOwner, destinationOwner) = owners
        self.transport = transport
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WeirKit
internal import WeirPipeline

/// The second half of reading: instances become stages, and what names attributes is read against what they declare.
extension ConfigurationReader {
    mutating func buildEnrichers(_ opened: [InstanceReader.Opened]) {
        var declared: [Attribute] = []
        var names = AttributeNames()
        for item in opened where item.isEnabled {
            var section = item.section(problems, files)
            guard let origin = read(item, &section), let made = instance(item, origin) else {
                attributesAreKnown = false
                continue
            }
            add(made, origin)
            guard let enricher = made.stage.enricher else {
                preconditionFailure("the plugin '\(item.entry.name)' says enrich and makes an exporter")
            }
            checkReads(enricher, of: item, declared)
            declared += names.taking(enricher.writes, of: item, problems)
            result.enrichers.append(EnricherInstance(name: item.name, stage: made.stage))
        }
        result.catalog = Catalog(declared: declared, isSampled: result.capture.sampling > 1)
    }

    /// Notes what the stage looks at and no stage before it writes.
    private func checkReads(_ stage: any Stage, of item: InstanceReader.Opened, _ declared: [Attribute]) {
        // A stage that could not be built may have written it.
        guard attributesAreKnown else { return }
        let there = Set(declared).union(Attribute.builtIn.filter { $0.subject == .flow }).union([.address])
        for attribute in stage.reads.subtracting(there).sorted(by: { $0.name < $1.name }) {
            problems.note(
                .conflict, "'\(item.name)' needs '\(attribute.name)', and no stage before it writes that: put one that does in front of it",
                at: item.node.position)
        }
    }

    /// Reads metrics, filters and exporters.
    mutating func readSelections(metrics: ConfigNode?, filter: ConfigNode?, _ exporters: [InstanceReader.Opened]) {
        let noted = attributesAreKnown ? problems : ConfigProblems()
        // Made first: which metrics there are by default depends on the names that exporters want.
        let made = exporters.filter(\.isEnabled).map { makeExporter($0) }
        let namings = NamingProfile.allCases.filter { profile in
            made.contains { $0.metrics != nil && $0.keys.naming == profile }
        }
        result.metrics = MetricDefinition.readAll(
            metrics, catalog: result.catalog, namings: namings.isEmpty ? [.weir] : namings, problems: noted)
        if metrics != nil { result.chosen.formUnion(result.metrics.flatMap(\.selected)) }
        result.filter = filter.flatMap { Filter.read($0, catalog: result.catalog, problems: noted) }
        for exporter in made { connect(exporter, noted) }
        if !attributesAreKnown {
            // Which attributes there are is not known here, so nothing is said about them.
            for problem in noted.all where problem.kind != .unknownAttribute { problems.note(problem.kind, problem.message, at: problem.position) }
        }
    }

    /// An exporter whose own options are read, and which nothing is connected to yet.
    private struct MadeExporter {
        let item: InstanceReader.Opened
        let keys: ExportKeys
        /// Nil when the options are wrong.
        let origin: MadeInstance.Origin?
        var instance: MadeInstance?

        var stage: BuiltStage? { instance?.stage }

        var metrics: (any MetricExporter)? {
            switch stage {
            case .metrics(let exporter): exporter
            case .recordsAndMetrics(let exporter): keys.wantsMetrics ? exporter : nil
            default: nil
            }
        }

        var records: (any RecordExporter)? {
            switch stage {
            case .records(let exporter): exporter
            case .recordsAndMetrics(let exporter): keys.wantsRecords ? exporter : nil
            default: nil
            }
        }
    }

    private mutating func makeExporter(_ item: InstanceReader.Opened) -> MadeExporter {
        var section = item.section(problems, files)
        let keys = ExportKeys(&section)
        let origin = read(item, &section)
        return MadeExporter(item: item, keys: keys, origin: origin, instance: origin.flatMap { instance(item, $0) })
    }

    /// Exporters of metrics remember series by their numbers and names: where these are no longer the same, another one goes on from it.
    private func mustBeMadeAnew(_ exporter: MadeExporter) -> Bool {
        guard exporter.metrics != nil, let previous, exporter.instance === previous.instances[exporter.item.name] else { return false }
        let isSame =
            previous.pipeline.maxSeries == result.pipeline.maxSeries && previous.pipeline.maxValues == result.pipeline.maxValues
            && MetricDefinition.areSame(previous.metrics, result.metrics)
        return !isSame
    }

    private mutating func connect(_ made: MadeExporter, _ noted: ConfigProblems) {
        var made = made
        let (item, keys) = (made.item, made.keys)
        if let origin = made.origin {
            if mustBeMadeAnew(made) { made.instance = make(item, origin) }
            if let instance = made.instance { add(instance, origin) }
        }
        let defaults = AttributeSelection.Defaults(keys.naming, result.catalog)
        let filter = keys.filter.flatMap { Filter.read($0, catalog: result.catalog, problems: noted) }
        let attributes = AttributeSelection.read(
            keys.attributes, default: defaults.record, catalog: result.catalog, problems: noted)
        checkNames(keys, noted)
        if keys.attributes != nil { result.chosen.formUnion(attributes) }
        switch made.stage {
        case .metrics: keys.checkForMetrics("'\(item.entry.name)'", problems)
        case .records: keys.checkForRecords(item.entry.name, problems)
        case .recordsAndMetrics: keys.checkForBoth(item.entry.name, problems)
        case .endpoint, .flow, .both: preconditionFailure("the plugin '\(item.entry.name)' says export and makes an enricher")
        case nil: break
        }
        if let exporter = made.metrics {
            checkGlobs(keys.metrics ?? [])
            result.metricExporters.append(
                Configuration.MetricInstance(name: item.name, exporter: exporter, metrics: keys.metrics.map { $0.map(\.glob) }, naming: keys.naming))
        }
        if let exporter = made.records {
            result.recordExporters.append(
                Configuration.RecordInstance(
                    name: item.name, exporter: exporter, filter: filter, attributes: attributes, naming: keys.naming, queueLimit: keys.queueLimit))
        }
    }

    /// Two attributes of one name would be one to whoever reads them.
    private func checkNames(_ keys: ExportKeys, _ noted: ConfigProblems) {
        guard let position = keys.namingPosition else { return }
        for clash in NamedAttributes.collisions(in: result.catalog, keys.naming) {
            noted.note(
                .conflict,
                "'naming: \(keys.naming.rawValue)' calls both '\(clash.first)' and '\(clash.second)' '\(clash.name)': rename one of them at its stage",
                at: position)
        }
    }

    /// A pattern that matches no metric is a slip: without this an exporter would be silently empty.
    private func checkGlobs(_ globs: [(glob: Glob, position: ConfigPosition)]) {
        let names = result.metrics.map(\.name)
        // When the metrics themselves were wrong, nothing can be said about patterns.
        guard !names.isEmpty else { return }
        // As the reader of series matches: a dot is an underscore, in the pattern and in the name.
        for (glob, position) in globs {
            let pattern = Glob(glob.pattern.replacingDots)
            if names.contains(where: { pattern.matches($0.replacingDots) }) { continue }
            let meant = NamingTable.metric(called: glob.pattern, among: names)
            let hint = meant.map { "; did you mean '\($0)'?" } ?? Suggestion.suffix(for: glob.pattern, among: names)
            problems.note(.unknownMetric, "no metric is called '\(glob.pattern)'\(hint)", at: position)
        }
    }

    /// What the item would be made from; nil when the options are wrong, with the problems noted.
    private func read(_ item: InstanceReader.Opened, _ section: inout ConfigSection) -> MadeInstance.Origin? {
        guard let options = item.entry.read(&section) else { return nil }
        let isExporter = item.entry.kind == .export
        return MadeInstance.Origin(
            plugin: item.entry.name, kind: item.entry.kind,
            section: SectionText(item.node) { !InstanceReader.ownKeys.contains($0) },
            hostKeys: SectionText(item.node) { isExporter && ExportKeys.names.contains($0) },
            options: options, files: item.readings.all)
    }

    /// The instance that runs, when it is the same; else a new one. Nil, with a problem noted, when it cannot be made.
    private func instance(_ item: InstanceReader.Opened, _ origin: MadeInstance.Origin) -> MadeInstance? {
        guard let running = previous?.instances[item.name], running.isSame(as: origin) else { return make(item, origin) }
        do throws(HTTPRoutes.PathTaken) {
            try surroundings.routes.claimAgain(by: item.name, from: running.routes)
            return running
        } catch {
            problems.note(.conflict, "\(error)", at: item.node.position)
            return nil
        }
    }

    private func make(_ item: InstanceReader.Opened, _ origin: MadeInstance.Origin) -> MadeInstance? {
        let invalidations = surroundings.invalidations
        let resource = surroundings.resource.handle()
        var log = surroundings.log
        log[metadataKey: "instance"] = "\(item.name)"
        // Not `instance`: in Prometheus that is the target that was scraped.
        let label = item.entry.kind == .export ? "exporter" : "stage"
        let context = PluginContext(
            instance: item.name, log: log, metrics: surroundings.registry.labelled(label, item.name), routes: surroundings.routes,
            hostName: surroundings.hostName, version: Version.number, environment: surroundings.environment,
            wallClock: { SystemFacts.unixNanoseconds }, resource: resource, invalidate: { invalidations.add($0) })
        do {
            let stage = try origin.options.make(context)
            return MadeInstance(name: item.name, stage: stage, routes: surroundings.routes, resource: resource, origin: origin)
        } catch let taken as HTTPRoutes.PathTaken {
            problems.note(.conflict, "\(taken)", at: item.node.position)
            return nil
        } catch {
            problems.note(.badValue, "'\(item.name)' could not be made: \(error)", at: item.node.position)
            return nil
        }
    }

    private mutating func add(_ instance: MadeInstance, _ origin: MadeInstance.Origin) {
        result.instances[instance.name] = instance
        result.referencedFiles += origin.files.filter { $0.content != nil }.map(\.path)
    }
}

/// The names that attributes have to users, who write `_` for `.` as they like: two that differ in nothing else are one name for two things.
private struct AttributeNames {
    private var known: [String: (attribute: Attribute, stage: String?)] = [:]

    init() { for attribute in Attribute.builtIn { note(attribute, nil) } }

    private mutating func note(_ attribute: Attribute, _ stage: String?) {
        for name in Self.names(attribute) where known[name] == nil { known[name] = (attribute, stage) }
    }

    private static func names(_ attribute: Attribute) -> [String] {
        let selected =
            attribute.subject == .flow ? [SelectedAttribute(attribute)] : End.allCases.map { SelectedAttribute(attribute, $0) }
        return selected.map { Catalog.normal($0.name) }
    }

    /// The attributes of one stage, those left out whose name another attribute has; these are noted.
    mutating func taking(_ attributes: Set<Attribute>, of item: InstanceReader.Opened, _ problems: ConfigProblems) -> [Attribute] {
        attributes.sorted { $0.name < $1.name }.filter { attribute in
            if let other = Self.names(attribute).compactMap({ known[$0] }).first(where: { $0.attribute != attribute }) {
                let owner = other.stage.map { "'\($0)'" } ?? "Weir itself"
                problems.note(
                    .conflict,
                    "'\(attribute.name)' of '\(item.name)' is '\(other.attribute.name)' of \(owner) to metrics and filters, where '_' and '.' are one: write it one way",
                    at: item.node.position)
                return false
            }
            note(attribute, item.name)
            return true
        }
    }
}

extension String {
    /// `network.flow.bytes` → `network_flow_bytes`: users may write either.
    fileprivate var replacingDots: String { String(map { $0 == "." ? "_" : $0 }) }
}

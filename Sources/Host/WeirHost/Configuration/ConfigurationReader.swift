// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WeirKit
internal import WeirPipeline

/// From trees to a ``Configuration``: reads every key of every file, and notes every problem on the way.
///
/// Enrichers are built before anything that names an attribute is read, because they declare attributes.
struct ConfigurationReader {
    /// What plugin instances are given.
    struct Surroundings: Sendable {
        let log: Logger
        let registry: MetricRegistry
        var routes: HTTPRoutes
        let hostName: String
        /// What plugins may see of the environment.
        var environment = SystemFacts.openTelemetry
        let isOutputTerminal: Bool
        /// Whether `tests:` is read; `run` leaves it alone.
        var readsTests = false
        /// What stages speak to outlives the configuration that they were made in, as they may.
        let invalidations = InvalidationQueue()
        let resource = ResourceFacts()
    }

    let plugins: [PluginEntry]
    let directory: ConfigDirectory
    let surroundings: Surroundings
    let problems: ConfigProblems
    let files: ConfigFiles
    /// The one that runs: what did not change of it goes on.
    let previous: Configuration?
    var instances: InstanceReader
    var result: Configuration
    /// A stage that could not be built declares no attributes: asking for them is then no mistake of its own.
    var attributesAreKnown = true

    /// Nil when there is any problem; they are in `directory.problems`.
    static func read(
        _ directory: ConfigDirectory, plugins: [PluginEntry], _ surroundings: Surroundings, after previous: Configuration? = nil
    ) -> Configuration? {
        var reader = ConfigurationReader(plugins, directory, surroundings, previous)
        reader.readAll()
        return reader.problems.count == 0 ? reader.result : nil
    }

    private init(_ plugins: [PluginEntry], _ directory: ConfigDirectory, _ surroundings: Surroundings, _ previous: Configuration?) {
        self.plugins = plugins
        self.directory = directory
        self.surroundings = surroundings
        self.previous = previous
        problems = directory.problems
        files = ReferencedFiles.reader(trust: directory.trust, texts: directory.texts)
        instances = InstanceReader(plugins: plugins, problems: problems, files: files)
        result = Configuration(invalidations: surroundings.invalidations, resource: surroundings.resource)
        result.files = directory.files
        result.ignoredFiles = directory.ignored
    }

    private mutating func readAll() {
        // A file that does not parse may hold anything: what it would have declared is unknown.
        attributesAreKnown = problems.count == 0
        var top = ConfigSection(at: Self.nowhere, problems: problems, files: files)
        if let main = directory.main {
            guard let section = ConfigSection(main, problems: problems, files: files) else { return }
            top = section
        }
        read("capture", of: &top, into: &result.capture)
        read("accounting", of: &top, into: &result.accounting)
        read("scope", of: &top, into: &result.scope)
        read("pipeline", of: &top, into: &result.pipeline)
        read("log", of: &top, into: &result.log)
        if let node = top.take("http") { result.http.read(node, problems: problems, files: files) }
        if let node = top.take("tap") { result.tap.read(node, problems: problems, files: files) }
        top.read("reload", into: &result.reload)

        let enrich = top.take("enrich")
        let export = top.take("export")
        let metrics = top.take("metrics")
        let filter = top.take("filter")
        let (enrichers, exporters) = openInstances(enrich, export, top)
        buildEnrichers(enrichers)
        readSelections(metrics: metrics, filter: filter, exporters)
        if let tests = top.take("tests"), surroundings.readsTests {
            let noted = attributesAreKnown ? problems : ConfigProblems()
            result.tests = TestReader(result, problems: noted, files: files).readAll(tests)
        }
        _ = top.finish()
    }

    /// Opens the items in the order in which a reader of the files meets them, so that "another instance" points back.
    private mutating func openInstances(
        _ enrich: ConfigNode?, _ export: ConfigNode?, _ top: ConfigSection
    ) -> (enrichers: [InstanceReader.Opened], exporters: [InstanceReader.Opened]) {
        let before = problems.count
        var enrichers = open(enrich, .enrich, top)
        if problems.count != before { attributesAreKnown = false }
        var exporters = open(export, .export, top)
        for item in directory.items {
            let before = problems.count
            guard let opened = instances.open(InstanceReader.Draft(node: item.node, name: item.name), as: nil) else {
                if problems.count != before { attributesAreKnown = false }
                continue
            }
            if opened.entry.kind == .enrich { enrichers.append(opened) } else { exporters.append(opened) }
        }
        // Not written = default. A file of plugins.d adds to the defaults; it never takes one away.
        if enrich == nil { enrichers.insert(contentsOf: defaults(["local_owner"], .enrich, beside: enrichers), at: 0) }
        if export == nil {
            let isAlone = !exporters.contains(where: \.isEnabled)
            let names = isAlone && surroundings.isOutputTerminal ? ["prometheus", "stdout"] : ["prometheus"]
            exporters.insert(contentsOf: defaults(names, .export, beside: exporters), at: 0)
        }
        return (enrichers, exporters)
    }

    private mutating func open(_ list: ConfigNode?, _ kind: PluginKind, _ top: ConfigSection) -> [InstanceReader.Opened] {
        guard let list else { return [] }
        return top.list(list).compactMap { instances.open(InstanceReader.Draft(node: $0), as: kind) }
    }

    /// The default instances whose plugins nobody wrote, and which this program contains.
    private mutating func defaults(
        _ names: [String], _ kind: PluginKind, beside written: [InstanceReader.Opened]
    ) -> [InstanceReader.Opened] {
        names.compactMap { name in
            guard !written.contains(where: { $0.isEnabled && $0.entry.name == name }), !instances.isTaken(name),
                plugins.contains(where: { $0.name == name && $0.kind == kind })
            else { return nil }
            return instances.open(InstanceReader.Draft(node: ConfigNode(.scalar(name), at: Self.nowhere)), as: kind)
        }
    }

    private func read<Options: PluginOptions>(_ key: String, of top: inout ConfigSection, into options: inout Options) {
        guard var section = top.section(key) else { return }
        options.read(&section)
        _ = section.finish()
    }

    /// Where defaults stand: in no file.
    private static let nowhere = ConfigPosition(file: "(defaults)", line: 1, column: 1)
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit
package import WeirPipeline

/// One configuration, checked and built: every stage exists, none has started.
package struct Configuration: Sendable {
    /// A metric exporter with the choice of metrics that its user made.
    struct MetricInstance: Sendable {
        let name: String
        let exporter: any MetricExporter
        /// Nil for all; an empty list for none.
        let metrics: [Glob]?
        let naming: NamingProfile
    }

    /// A record exporter with what its user wants of the records.
    struct RecordInstance: Sendable {
        var name: String
        let exporter: any RecordExporter
        let filter: Filter?
        let attributes: [SelectedAttribute]
        var naming = NamingProfile.weir
        /// How many records may wait for the exporter.
        let queueLimit: Int
    }

    var capture = CaptureOptions()
    var accounting = AccountingOptions()
    var scope = ScopeOptions()
    var pipeline = PipelineOptions()
    var http = HTTPOptions()
    var tap = TapOptions()
    var log = LogOptions()
    /// How often it is read again by itself.
    var reload = ReloadChoice.sighup
    var enrichers: [EnricherInstance] = []
    var metricExporters: [MetricInstance] = []
    var recordExporters: [RecordInstance] = []
    var metrics: [MetricDefinition] = []
    var filter: Filter?
    var catalog = Catalog(declared: [])
    /// The cases of `tests:`; empty for `run`.
    var tests: [TestCase] = []
    /// Every instance by its name.
    package internal(set) var instances: [String: MadeInstance] = [:]
    /// Where stages say that their answers changed: one for all configurations of an agent.
    package let invalidations: InvalidationQueue
    /// What stages know of the host: one for all configurations of an agent.
    package let resource: ResourceFacts
    /// Every file that was read, for `check` and `explain`; empty when the defaults run.
    var files: [String] = []
    /// The files that instances were made from.
    var referencedFiles: [String] = []
    var ignoredFiles: [String] = []

    /// The attributes that the user wrote himself, not those that came as defaults.
    var chosen: Set<SelectedAttribute> = []

    /// What a careful reader would ask about; `check`, `explain` and `run` all say this. Empty defaults are no news: who
    /// runs without zones knows it.
    func warnings(of plan: Plan) -> [String] {
        var warnings = ignoredFiles.map { "\($0) is not read, since its name does not end in .yaml" }
        warnings += plan.unanswered.filter(chosen.contains).map { "nothing fills \($0.name): it will be empty" }
        warnings += metricExporters.compactMap(lateReading)
        if exporterCount == 0 { warnings.append("nothing is exported: export is empty") }
        return warnings
    }

    private func lateReading(_ instance: MetricInstance) -> String? {
        let ttl = pipeline.seriesTTL
        guard !pipeline.keepsSeries, let interval = instance.exporter.readingInterval, interval >= ttl else { return nil }
        return "exporter \(instance.name) reads the series every \(interval.configText), and pipeline.series_ttl is \(ttl.configText): "
            + "it never sees series that come and go in between"
    }

    var exporterCount: Int { metricExporters.count + recordExporters.count }

    /// Whether somebody shows the series on a page.
    var servesPage: Bool { metricExporters.contains { $0.exporter.servesPage } }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// One enricher as the configuration names it.
package struct EnricherInstance: Sendable {
    package let name: String
    package let stage: BuiltStage

    /// `stage` is no exporter.
    package init(name: String, stage: BuiltStage) {
        self.name = name
        self.stage = stage
    }

    var asStage: any Stage {
        guard let stage = stage.enricher else { preconditionFailure("\(name) is an exporter") }
        return stage
    }
}

/// Everything a plan follows from.
package struct PlanInput: Sendable {
    package var enrichers: [EnricherInstance] = []
    package var metrics: [MetricDefinition] = []
    package var taps: [RecordTap] = []
    /// Flows that do not pass are not exported at all.
    package var filter: Filter?
    package var pipeline = PipelineOptions()
    package var accounting = AccountingOptions()
    package var scope = ScopeOptions()
    /// Of the tables that strangers fill: they must not know it. Measurements fix it, so that each does the same work.
    package var hashSeed = UInt64.random(in: .min ... .max)
    /// An exporter describes this host by what stages tell of it.
    package var readsResource = false
    /// No clock decides anything: a stage is never left out for being slow, so that the same input leads to the same output.
    package var isOffline = false

    package init() {}
}

/// What the configuration needs, and so what is captured, asked and kept: as a database plans a query.
package final class Plan: Sendable {
    package let input: PlanInput
    /// What the kernel's key must hold.
    package let keyFields: KeyFields
    /// Which selected attribute, filter or stage asked for which field, for `weir explain`.
    package let keyReasons: [(field: String, askedBy: [String])]
    /// Per enricher: the attributes it is asked for; empty for one that nothing selected needs.
    package let asked: [Set<Attribute>]
    /// Attributes that are selected although no stage can answer them.
    package let unanswered: [SelectedAttribute]
    let endpointAttributes: [Attribute]
    let pluggedAttributes: [Attribute]
    let layout: ColumnLayout
    let needsScope: Bool
    /// The addresses that were dialled.
    let needsServices: Bool
    /// How many packets each one that was counted stands for.
    let needsSamplingRate: Bool

    package init(_ input: PlanInput) {
        self.input = input
        var selected: [SelectedAttribute: [String]] = [:]
        func select(_ attributes: some Sequence<SelectedAttribute>, for user: String) {
            for attribute in attributes { selected[attribute, default: []].append(user) }
        }
        for metric in input.metrics {
            select(metric.attributes, for: "metric \(metric.label)")
            select(metric.filter?.attributes ?? [], for: "the filter of metric \(metric.label)")
        }
        for tap in input.taps {
            select(tap.attributes.stored, for: "exporter \(tap.name)")
            select(tap.filter?.attributes ?? [], for: "the filter of exporter \(tap.name)")
        }
        select(input.filter?.attributes ?? [], for: "the filter of all flows")

        let flowAttributes = Set(selected.keys.map(\.attribute).filter { $0.subject == .flow })
        needsScope = !flowAttributes.isDisjoint(with: [.trafficScope, .trafficScopeReason])
        needsSamplingRate = flowAttributes.contains(.samplingRate)
        var wanted = Set(selected.keys.map(\.attribute))
        if needsScope { wanted.formUnion([.zone, .zoneID, .region, .scopeClaim]) }
        if wanted.contains(.knownOwnerName) { wanted.insert(.ownerName) }
        // A stranger's bracketed class depends on whether anybody claims the address.
        if wanted.contains(.ownerName) { wanted.formUnion([.zone, .zoneID, .region, .scopeClaim]) }
        // Whether a flow is this agent's to count may be what a stage knows; a rule that leaves nothing to others does not ask.
        if input.accounting.observer != .both, input.enrichers.contains(where: { $0.asStage.writes.contains(.covered) }) { wanted.insert(.covered) }
        // Backwards: what a needed stage reads, an earlier stage must be asked for.
        var asked = [Set<Attribute>](repeating: [], count: input.enrichers.count)
        for index in input.enrichers.indices.reversed() {
            let stage = input.enrichers[index].asStage
            asked[index] = stage.writes.intersection(wanted)
            guard !asked[index].isEmpty else { continue }
            wanted.formUnion(stage.reads(for: asked[index]))
            // What nobody before it writes need not be a column.
            let written = input.enrichers[..<index].reduce(into: Set<Attribute>()) { $0.formUnion($1.asStage.writes) }
            wanted.formUnion(stage.readsIfThere.intersection(written))
        }
        self.asked = asked
        needsServices = !wanted.isDisjoint(with: [.sourceService, .destinationService])

        let answerable = input.enrichers.reduce(into: Set(Attribute.builtInAnswers)) { $0.formUnion($1.asStage.writes) }
        unanswered = selected.keys.filter { !answerable.contains($0.attribute) }.sorted { $0.name < $1.name }

        var reasons: [(KeyFields, String)] = selected.sorted { $0.key.name < $1.key.name }.map { ($0.key.attribute.needs, $0.key.name) }
        for (index, enricher) in input.enrichers.enumerated() where !asked[index].isEmpty {
            let stage = enricher.asStage
            let needs = stage.reads(for: asked[index]).reduce(into: stage.needs(for: asked[index])) { $0.formUnion($1.needs) }
            reasons.append((needs, "stage \(enricher.name)"))
        }
        let fields = reasons.reduce(into: KeyFields()) { $0.formUnion($1.0) }
        keyFields = fields
        keyReasons = KeyFields.named
            .filter { fields.isSuperset(of: $0.field) }
            .map { field, name in (name, reasons.filter { $0.0.isSuperset(of: field) }.map(\.1)) }

        endpointAttributes = wanted.filter { $0.subject == .endpoint }.sorted { $0.name < $1.name }
        let builtInFlow = Set(Attribute.builtIn.filter { $0.subject == .flow })
        pluggedAttributes = wanted.filter { $0.subject == .flow && !builtInFlow.contains($0) }.sorted { $0.name < $1.name }
        layout = ColumnLayout(
            endpoint: Dictionary(uniqueKeysWithValues: endpointAttributes.enumerated().map { ($1, $0) }),
            plugged: Dictionary(uniqueKeysWithValues: pluggedAttributes.enumerated().map { ($1, $0) }))
    }

    /// Whether it is asked about endpoints or flows.
    package func isNeeded(_ enricher: Int) -> Bool { !asked[enricher].isEmpty }

    /// Whether it is started: it is asked, or what it tells of this host is read.
    package func isStarted(_ enricher: Int) -> Bool {
        isNeeded(enricher) || input.readsResource && input.enrichers[enricher].asStage.tellsResource
    }
}

extension Attribute {
    /// What the pipeline answers when no stage does.
    static let builtInAnswers: [Attribute] = builtIn.filter { $0.subject == .flow } + [.address, .name, .ownerName, .knownOwnerName]
}

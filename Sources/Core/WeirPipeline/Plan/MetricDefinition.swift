// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// One metric as the plan needs it: what is added up, of which flows, by which attributes.
package struct MetricDefinition: Sendable {
    package enum Measure: String, ConfigChoice {
        case bytes, packets

        var unit: String { self == .bytes ? "By" : "{packet}" }
    }

    package let name: String
    package let measure: Measure
    package let filter: Filter?
    package let attributes: [SelectedAttribute]
    package let help: String
    /// Nil: `pipeline.max_series`.
    package let maxSeries: Int?

    /// The metrics that exist by name; a configuration chooses their attributes and may narrow them by a filter.
    private static let builtIn: [(name: String, measure: Measure, filter: String?, help: String)] = [
        ("network.flow.bytes", .bytes, nil, "Bytes between two endpoints at layer 3."),
        ("network.flow.packets", .packets, nil, "Packets between two endpoints."),
        ("network.inter.zone.bytes", .bytes, "traffic.scope == \"inter_zone\"", "Bytes between two endpoints in different zones."),
    ]

    /// Reads `metrics:`; without it the built-in metrics with their default attributes.
    package static func readAll(_ node: ConfigNode?, catalog: Catalog, problems: ConfigProblems) -> [MetricDefinition] {
        guard let node else { return builtIn.map { standard($0.name, nil, catalog, problems) } }
        guard var section = ConfigSection(node, problems: problems, files: .none) else { return [] }
        var known: [String: ConfigPosition] = [:]
        return section.takeRest().compactMap { entry in
            guard let name = name(entry.key, problems) else { return nil }
            if let first = known.updateValue(entry.key.position, forKey: name) {
                problems.note(.duplicateName, "metric '\(name)' is defined twice, first at \(first)", at: entry.key.position)
            }
            return read(name, entry, catalog, problems)
        }
    }

    /// The name in dots, unless it is none.
    private static func name(_ key: ConfigNode, _ problems: ConfigProblems) -> String? {
        guard let text = key.text else {
            problems.note(.wrongShape, "expected the name of a metric, found \(key.kindName)", at: key.position)
            return nil
        }
        let allowed = text.unicodeScalars.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "." || $0 == "_" }
        guard allowed, text.first?.isLetter == true, text.utf8.count <= 128 else {
            problems.note(.unknownMetric, "'\(text)' is not a metric name such as payments.egress: small letters, digits, dots", at: key.position)
            return nil
        }
        return builtIn.first { Catalog.normal($0.name) == Catalog.normal(text) }?.name ?? text
    }

    private static func read(
        _ name: String, _ entry: ConfigNode.Entry, _ catalog: Catalog, _ problems: ConfigProblems
    ) -> MetricDefinition? {
        let standardEntry = builtIn.first { $0.name == name }
        // A list, an empty value or include/exclude choose attributes; the other keys make a metric of one's own.
        guard case .mapping(let keys) = entry.value.content,
            !keys.allSatisfy({ $0.key.text == "include" || $0.key.text == "exclude" })
        else {
            guard standardEntry != nil else {
                let hint = Suggestion.suffix(for: name, among: builtIn.map(\.name))
                problems.note(
                    .unknownMetric,
                    "'\(name)' is no built-in metric\(hint.isEmpty ? "; one of your own needs at least 'measure: bytes' or 'packets'" : hint)",
                    at: entry.key.position)
                return nil
            }
            return standard(name, entry.value.text == "" ? nil : entry.value, catalog, problems)
        }
        guard var section = ConfigSection(entry.value, problems: problems, files: .none) else { return nil }
        var measure = standardEntry?.measure
        section.read("measure", into: &measure)
        if let standardEntry, measure != standardEntry.measure {
            problems.note(
                .conflict, "'\(name)' measures \(standardEntry.measure.rawValue); give a metric of other measure a name of its own",
                at: entry.key.position)
        }
        if measure == nil { section.missing("measure") }
        var help = standardEntry?.help ?? "Defined in the configuration."
        section.read("help", into: &help)
        var maxSeries = 0
        section.read("max_series", into: &maxSeries, in: 1...1_000_000)
        let own = section.take("filter").flatMap { Filter.read($0, catalog: catalog, problems: problems) }
        let filter = Filter.both(standardEntry?.filter.map { Filter.builtIn($0, catalog) }, own)
        let attributes = AttributeSelection.read(
            section.take("attributes"), default: AttributeSelection.metricDefaults, catalog: catalog, problems: problems)
        _ = section.finish()
        guard let measure else { return nil }
        return MetricDefinition(
            name: name, measure: measure, filter: filter, attributes: attributes, help: help, maxSeries: maxSeries == 0 ? nil : maxSeries)
    }

    private static func standard(_ name: String, _ attributes: ConfigNode?, _ catalog: Catalog, _ problems: ConfigProblems) -> MetricDefinition {
        let entry = builtIn.first { $0.name == name }!
        return MetricDefinition(
            name: name, measure: entry.measure, filter: entry.filter.map { Filter.builtIn($0, catalog) },
            attributes: AttributeSelection.read(
                attributes, default: AttributeSelection.metricDefaults, catalog: catalog, problems: problems),
            help: entry.help, maxSeries: nil)
    }
}

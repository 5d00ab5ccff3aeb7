// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Reads `metrics:` for one profile.
struct MetricReading {
    let profile: NamingProfile
    let defaults: AttributeSelection.Defaults
    let catalog: Catalog
    let problems: ConfigProblems

    func readAll(_ node: ConfigNode?) -> [MetricDefinition] {
        guard let node else { return MetricDefinition.builtIn.map { standard($0.name, nil) } }
        guard var section = ConfigSection(node, problems: problems, files: .none) else { return [] }
        var known: [String: ConfigPosition] = [:]
        return section.takeRest().compactMap { entry in
            guard let name = name(entry.key) else { return nil }
            if let first = known.updateValue(entry.key.position, forKey: name) {
                problems.note(.duplicateName, "metric '\(name)' is defined twice, first at \(first)", at: entry.key.position)
            }
            return read(name, entry)
        }
    }

    /// The name in dots, unless it is none.
    private func name(_ key: ConfigNode) -> String? {
        guard let text = key.text else {
            problems.note(.wrongShape, "expected the name of a metric, found \(key.kindName)", at: key.position)
            return nil
        }
        let allowed = text.unicodeScalars.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "." || $0 == "_" }
        guard allowed, text.first?.isLetter == true, text.utf8.count <= 128 else {
            problems.note(.unknownMetric, "'\(text)' is not a metric name such as payments.egress: small letters, digits, dots", at: key.position)
            return nil
        }
        return MetricDefinition.builtIn.first { Catalog.normal($0.name) == Catalog.normal(text) }?.name ?? text
    }

    private func read(_ name: String, _ entry: ConfigNode.Entry) -> MetricDefinition? {
        let standardEntry = MetricDefinition.builtIn.first { $0.name == name }
        // A list, an empty value or include/exclude choose attributes; the other keys make a metric of one's own.
        guard case .mapping(let keys) = entry.value.content,
            !keys.allSatisfy({ $0.key.text == "include" || $0.key.text == "exclude" })
        else {
            guard standardEntry != nil else {
                problems.note(.unknownMetric, "'\(name)' is no built-in metric\(hint(for: name))", at: entry.key.position)
                return nil
            }
            return standard(name, entry.value.text == "" ? nil : entry.value)
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
            section.take("attributes"), default: defaults.metric(name), catalog: catalog, problems: problems)
        _ = section.finish()
        guard let measure else { return nil }
        return MetricDefinition(
            name: name, measure: measure, filter: filter, selected: attributes, help: help, maxSeries: maxSeries == 0 ? nil : maxSeries,
            profile: profile)
    }

    /// Finishes the sentence about a metric that chooses attributes and does not exist.
    private func hint(for name: String) -> String {
        let known = MetricDefinition.builtIn.map(\.name)
        if let meant = NamingTable.metric(called: name, among: known) {
            return "; did you mean '\(meant)'? What it is called outside, 'naming' at an exporter decides"
        }
        let hint = Suggestion.suffix(for: name, among: known)
        return hint.isEmpty ? "; one of your own needs at least 'measure: bytes' or 'packets'" : hint
    }

    private func standard(_ name: String, _ attributes: ConfigNode?) -> MetricDefinition {
        let entry = MetricDefinition.builtIn.first { $0.name == name }!
        return MetricDefinition(
            name: name, measure: entry.measure, filter: entry.filter.map { Filter.builtIn($0, catalog) },
            selected: AttributeSelection.read(attributes, default: defaults.metric(name), catalog: catalog, problems: problems),
            help: entry.help, maxSeries: nil, profile: profile)
    }
}

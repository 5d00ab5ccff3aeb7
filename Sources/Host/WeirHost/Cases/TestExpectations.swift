// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline

extension TestReader {
    /// `expect:`.
    func read(expect node: ConfigNode) -> Expectation {
        var found = Expectation()
        guard var section = ConfigSection(node, problems: problems, files: files) else { return found }
        section.read("partial", into: &found.isPartial)
        if let node = section.take("series") { found.series = read(series: node) }
        if let node = section.take("records") { found.records = read(records: node) }
        if let node = section.take("scopes") {
            let names = TrafficScope.allCases.map(\.name)
            found.scopes = amounts(node, names, "a class").map { (name: $0.name, bytes: $0.bytes) }
        }
        if let node = section.take("not_exported") {
            found.notExported = amounts(node, ["covered", "filtered"], "a reason").map { (reason: $0.name, bytes: $0.bytes) }
        }
        _ = section.finish()
        return found
    }

    private func amounts(_ node: ConfigNode, _ names: [String], _ kind: String) -> [(name: String, bytes: UInt64)] {
        (entries(node, "bytes by name, such as { \(names[0]): 1357 }") ?? []).compactMap { entry in
            guard let name = text(entry.key) else { return nil }
            guard names.contains(name) else {
                let hint = Suggestion.suffix(for: name, among: names)
                problems.note(.badValue, "'\(name)' is not \(kind): one of \(names.joined(separator: ", "))\(hint)", at: entry.key.position)
                return nil
            }
            return number(entry.value).map { (name, $0) }
        }
    }

    private func read(series node: ConfigNode) -> [(metric: String, rows: [Expectation.Row])] {
        (entries(node, "metrics with their series") ?? []).compactMap { entry in
            guard let name = text(entry.key) else { return nil }
            guard let metric = metrics.first(where: { Catalog.normal($0.name) == Catalog.normal(name) }) else {
                problems.note(
                    .unknownMetric, "no metric is called '\(name)'\(Suggestion.suffix(for: name, among: metrics.map(\.name)))", at: entry.key.position
                )
                return nil
            }
            let rows = items(entry.value).compactMap {
                row(facts($0, metric.selected, also: ["value", "otel.metric.overflow"], "metric \(metric.name)"), $0)
            }
            return (metric.name, rows)
        }
    }

    /// `value` apart from the attributes.
    private func row(_ facts: [(name: String, node: ConfigNode)], _ item: ConfigNode) -> Expectation.Row? {
        guard let value = facts.first(where: { $0.name == "value" }) else {
            if case .mapping = item.content { problems.note(.missingKey, "'value' is missing here: what the series adds up to", at: item.position) }
            return nil
        }
        guard let number = number(value.node) else { return nil }
        return Expectation.Row(facts: facts.filter { $0.name != "value" }.map { ($0.name, $0.node.text ?? "") }, value: number)
    }

    private func read(records node: ConfigNode) -> [Expectation.Facts] {
        items(node).map { facts($0, recordAttributes, also: ["bytes", "packets"], "record").map { ($0.name, $0.node.text ?? "") } }
    }

    private func items(_ node: ConfigNode) -> [ConfigNode] {
        switch node.content {
        case .list(let items): return items
        case .scalar(""): return []
        default:
            problems.note(.wrongShape, "expected a list, found \(node.kindName)", at: node.position)
            return []
        }
    }

    /// The facts of one series or record, each by the name that it really has.
    private func facts(
        _ node: ConfigNode, _ attributes: [SelectedAttribute], also others: [String], _ owner: String
    ) -> [(name: String, node: ConfigNode)] {
        (entries(node, "names with their values") ?? []).compactMap { entry in
            guard let name = text(entry.key), text(entry.value) != nil else { return nil }
            let known = others + attributes.map(\.name)
            if let found = known.first(where: { Catalog.normal($0) == Catalog.normal(name) }) { return (found, entry.value) }
            let hint = Suggestion.suffix(for: name, among: known)
            let message =
                catalog.named(name) == nil
                ? catalog.unknown(name) : "the \(owner) does not carry '\(name)'\(hint.isEmpty ? "; it has \(known.joined(separator: ", "))" : hint)"
            problems.note(.unknownAttribute, message, at: entry.key.position)
            return nil
        }
    }
}

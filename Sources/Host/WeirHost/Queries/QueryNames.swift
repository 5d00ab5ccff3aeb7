// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Patterns
internal import PromQL
internal import WeirKit
internal import WeirPipeline

/// What Weir's metrics and their labels are called in queries, by every profile, and which of these this configuration shows.
struct QueryNames: Sendable {
    struct Metric: Sendable {
        /// As Prometheus has it: `beyla_network_flow_bytes_total`.
        let name: String
        let profile: NamingProfile
        /// Of Weir's own name, `network.flow.bytes`.
        let metric: String
        /// OBI's prefix, which no profile has.
        let isOBIs: Bool
    }

    /// By name as queries may spell it: see `normal`.
    private var metrics: [String: Metric] = [:]
    /// The labels of each profile.
    private var labels: [NamingProfile: Set<String>] = [:]
    /// What a label of one profile is called by another.
    private var translations: [NamingProfile: [String: String]] = [:]
    private let definitions: [MetricDefinition]
    private let shown: Set<NamingProfile>
    /// What recording rules of the files made of our metrics, by the rule's name.
    private var recorded: [String: String] = [:]

    init(_ definitions: [MetricDefinition], catalog: Catalog, shown: Set<NamingProfile>) {
        self.definitions = definitions
        self.shown = shown
        var units = Dictionary(
            MetricDefinition.builtInMeasures.map { ($0.name, $0.measure) }, uniquingKeysWith: { first, _ in first })
        for definition in definitions { units[definition.name] = definition.measure }
        for (metric, measure) in units {
            for profile in NamingProfile.allCases {
                add(Metric(name: Self.prometheus(profile.metric(metric), measure), profile: profile, metric: metric, isOBIs: false))
            }
            add(Metric(name: Self.prometheus("obi." + metric, measure), profile: .beyla, metric: metric, isOBIs: true))
        }
        for profile in NamingProfile.allCases {
            let named = NamedAttributes(catalog.all, profile)
            labels[profile] = Set(named.names.map(Self.label)).union(
                NamingTable.rows.flatMap { row in End.allCases.map { Self.label(row[profile].at($0)) } })
            for other in NamingProfile.allCases where other != profile {
                for row in NamingTable.rows {
                    for end in End.allCases {
                        let name = Self.label(row[other].at(end))
                        if translations[profile]?[name] == nil { translations[profile, default: [:]][name] = Self.label(row[profile].at(end)) }
                    }
                }
            }
        }
    }

    private mutating func add(_ metric: Metric) { metrics[Self.normal(metric.name)] = metric }

    /// As the prometheus exporter writes it, and Prometheus what comes by OTLP.
    static func prometheus(_ name: String, _ measure: MetricDefinition.Measure) -> String {
        var text = label(name)
        if text.hasSuffix("_total") { text.removeLast(6) }
        if measure == .bytes, !text.hasSuffix("_bytes") { text += "_bytes" }
        return text + "_total"
    }

    private static func label(_ name: String) -> String { String(name.map { $0 == "." ? "_" : $0 }) }

    /// With and without `_total`, with dots or underscores: one name.
    private static func normal(_ name: String) -> String {
        let text = label(name)
        return text.hasSuffix("_total") ? String(text.dropLast(6)) : text
    }

    /// The metrics of ours that a selector means.
    func metrics(_ selector: Expression.Selector) -> [Metric] {
        if let name = selector.name?.text {
            if let metric = metrics[Self.normal(name)] { return [metric] }
            return recorded[name].flatMap { metrics[$0] }.map { [$0] } ?? []
        }
        guard let matcher = selector.matchers.first(where: { $0.label.text == "__name__" && $0.operation == "=~" }), matcher.value.utf8.count <= 1024,
            let pattern = try? Pattern("^(?:\(matcher.value))$")
        else { return [] }
        return metrics.values.filter { pattern.matches($0.name) }.sorted { $0.name < $1.name }
    }

    /// The first metric of ours that an expression adds up, if there is one.
    func metric(in expression: Expression) -> Metric? { expression.selectors.lazy.compactMap { metrics($0).first }.first }

    /// Whether the name is a recording rule's.
    func isRecorded(_ name: String) -> Bool { recorded[name] != nil }

    /// Learns what rules record of our metrics, through rules of rules.
    mutating func learn(_ rules: [(record: String, query: Expression)]) {
        var left = rules
        var isNew = true
        while isNew {
            isNew = false
            left.removeAll { rule in
                guard recorded[rule.record] == nil, let metric = metric(in: rule.query) else { return false }
                recorded[rule.record] = Self.normal(metric.name)
                isNew = true
                return true
            }
        }
    }

    /// A name that looks like ours and is none.
    func unknownMetric(_ name: String) -> String? {
        guard ["weir_network_", "beyla_network_", "obi_network_"].contains(where: { Self.label(name).hasPrefix($0) }),
            metrics[Self.normal(name)] == nil
        else { return nil }
        let known = metrics.values.map(\.name).sorted()
        let hint = Suggestion.suffix(for: Self.label(name), among: known)
        return "no metric is called '\(name)'\(hint)"
    }

    /// What is wrong with a label of a metric; nil when nothing is known to be.
    func problem(ofLabel name: String, of metric: Metric) -> String? {
        let carried = definitions.first { $0.name == metric.metric && $0.isShown(by: metric.profile) }?.names(metric.profile)?.attributes.map(
            Self.label)
        if carried?.contains(name) == true { return nil }
        let known = labels[metric.profile] ?? []
        let translated = translations[metric.profile]?[name]
        let isCarried = translated.map { carried?.contains($0) == true } ?? false
        if known.contains(name), !isCarried {
            guard carried != nil else { return nil }
            return "'\(metric.name)' has no label '\(name)' in this configuration: add the attribute under 'metrics'"
        }
        if let translated, known.contains(translated) {
            return "'\(metric.name)' has no label '\(name)'; there it is called '\(translated)'"
        }
        // Only of Beyla's metric: elsewhere such a label came by relabelling.
        if metric.profile == .beyla, let reason = NamingTable.absence(ofLabel: name) {
            return "'\(metric.name)' has no label '\(name)'; Weir has none: \(reason)"
        }
        // Labels of targets and of relabelling are nobody's slip: only what has the shape of ours is looked at.
        guard ["src_", "dst_", "k8s_src_", "k8s_dst_", "source_", "destination_"].contains(where: { name.hasPrefix($0) }),
            let near = Suggestion.nearest(to: name, among: known.sorted())
        else { return nil }
        return "'\(metric.name)' has no label '\(name)'; did you mean '\(near)'?"
    }

    /// Why a query of this metric finds nothing here; nil when it finds something.
    func absence(of metric: Metric) -> String? {
        if metric.isOBIs { return "'\(metric.name)' is OBI's; 'naming: beyla' at an exporter has 'beyla' in front instead" }
        if shown.contains(metric.profile) { return nil }
        return "no exporter of this configuration has 'naming: \(metric.profile.rawValue)', so there is no '\(metric.name)'"
    }
}

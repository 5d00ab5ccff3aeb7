// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// One metric as the plan needs it: what is added up, of which flows, by which attributes.
package struct MetricDefinition: Sendable {
    package enum Measure: String, ConfigChoice {
        case bytes, packets

        package var unit: String { self == .bytes ? "By" : "{packet}" }
    }

    package let name: String
    package let measure: Measure
    package let filter: Filter?
    /// As users selected them.
    package let selected: [SelectedAttribute]
    /// What series are told apart by, one for each selected attribute.
    package let attributes: [SelectedAttribute]
    package let help: String
    /// Nil: `pipeline.max_series`.
    package let maxSeries: Int?
    /// The profiles whose exporters show these series, with its words for them.
    private(set) var shown: [Shown]
    /// What the agent's own metrics and messages call it: its name, with a profile in front where another definition has it already.
    package private(set) var label: String

    /// A metric in the words of one profile.
    struct Shown: Sendable {
        let profile: NamingProfile
        let name: String
        let attributes: NamedAttributes
    }

    init(
        name: String, measure: Measure, filter: Filter?, selected: [SelectedAttribute], help: String, maxSeries: Int?, profile: NamingProfile
    ) {
        let named = NamedAttributes(selected, profile)
        self.name = name
        self.measure = measure
        self.filter = filter
        self.selected = selected
        attributes = named.stored
        self.help = help
        self.maxSeries = maxSeries
        shown = [Shown(profile: profile, name: profile.metric(name), attributes: named)]
        label = name
    }

    package func isShown(by profile: NamingProfile) -> Bool { shown.contains { $0.profile == profile } }

    /// The metric's name and its attributes' names to an exporter of this profile; nil when it does not show it.
    package func names(_ profile: NamingProfile) -> (metric: String, attributes: [String])? {
        shown.first { $0.profile == profile }.map { ($0.name, $0.attributes.names) }
    }

    /// The metrics that exist by name; a configuration chooses their attributes and may narrow them by a filter.
    static let builtIn: [(name: String, measure: Measure, filter: String?, help: String)] = [
        ("network.flow.bytes", .bytes, nil, "Bytes between two endpoints at layer 3."),
        ("network.flow.packets", .packets, nil, "Packets between two endpoints."),
        ("network.inter.zone.bytes", .bytes, "traffic.scope == \"inter_zone\"", "Bytes between two endpoints in different zones."),
    ]

    /// What exists by name, with what each measures.
    package static var builtInMeasures: [(name: String, measure: Measure)] { builtIn.map { ($0.name, $0.measure) } }

    /// Reads `metrics:`; without it the built-in metrics. Attributes that the user did not write are each profile's own defaults; then, and
    /// where a profile's values are other ones, a metric has a definition per profile.
    package static func readAll(
        _ node: ConfigNode?, catalog: Catalog, namings: [NamingProfile] = [.weir], problems: ConfigProblems
    ) -> [MetricDefinition] {
        var all: [MetricDefinition] = []
        for (index, profile) in namings.enumerated() {
            // Read anew for each, and what is wrong said once.
            let reading = MetricReading(
                profile: profile, defaults: AttributeSelection.Defaults(profile, catalog), catalog: catalog,
                problems: index == 0 ? problems : ConfigProblems())
            for definition in reading.readAll(node) {
                if let same = all.firstIndex(where: { $0.isContinued(by: definition) && $0.maxSeries == definition.maxSeries }) {
                    all[same].shown += definition.shown
                } else {
                    all.append(definition)
                    if all.dropLast().contains(where: { $0.name == definition.name }) {
                        all[all.count - 1].label = "\(profile.rawValue):\(definition.name)"
                    }
                }
            }
        }
        return all
    }
}

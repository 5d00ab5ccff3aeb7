// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

extension AttributeSelection {
    /// What a metric or a record carries when the user says nothing.
    package struct Defaults: Sendable {
        /// Metrics of flows, one's own among them.
        package let flows: [SelectedAttribute]
        /// `network.inter.zone.bytes`.
        package let zones: [SelectedAttribute]

        /// Those of ``NamingTable`` which somebody answers in this configuration; Weir's own of an end are shown though nobody does, so
        /// that a series looks the same on every host. A stand-in gives way where the name's owner is answered.
        package init(_ profile: NamingProfile, _ catalog: Catalog) {
            flows = Self.attributes(profile, .flows, catalog)
            zones = Self.attributes(profile, .zones, catalog)
        }

        private static func attributes(_ profile: NamingProfile, _ metrics: NamingTable.Defaults, _ catalog: Catalog) -> [SelectedAttribute] {
            var chosen: [(attribute: SelectedAttribute, name: String, isStandIn: Bool)] = []
            for row in NamingTable.rows where row[profile].on.contains(metrics) {
                for end in row.ends {
                    guard let attribute = catalog.named(row.weir.at(end)) else { continue }
                    let isWeirs = profile == .weir && attribute.end != nil && Attribute.builtIn.contains(attribute.attribute)
                    guard isWeirs || catalog.isAnswered(attribute.attribute) else { continue }
                    chosen.append((attribute, row[profile].at(end), row[profile].isStandIn))
                }
            }
            let byRight = Set(chosen.filter { !$0.isStandIn }.map(\.name))
            return chosen.filter { !$0.isStandIn || !byRight.contains($0.name) }.map(\.attribute)
        }

        package func metric(_ name: String) -> [SelectedAttribute] { name == "network.inter.zone.bytes" ? zones : flows }

        /// What a record carries: the same, and who exactly.
        package var record: [SelectedAttribute] {
            var chosen: [SelectedAttribute] = End.allCases.flatMap { end in
                [SelectedAttribute(.address, end), SelectedAttribute(end == .source ? .sourcePort : .destinationPort)]
            }
            chosen.append(SelectedAttribute(.transport))
            return chosen + flows.filter { !chosen.contains($0) }
        }
    }
}

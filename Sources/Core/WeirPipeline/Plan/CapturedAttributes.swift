// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// What of all that exists a running plan has, for who looks at it from outside: `weir tap`.
extension Plan {
    /// Whether rows of this plan have the attribute, though its value be absent. Addresses are there whatever was selected.
    package func captures(_ selected: SelectedAttribute) -> Bool {
        let attribute = selected.attribute
        if attribute == .address { return true }
        if attribute.subject == .endpoint { return layout.endpoint[attribute] != nil }
        guard Column(builtIn: attribute) != nil else { return layout.plugged[attribute] != nil }
        if attribute == .trafficScope || attribute == .trafficScopeReason { return needsScope }
        if attribute == .sourceService || attribute == .destinationService { return needsServices }
        if attribute == .samplingRate { return needsSamplingRate }
        return keyFields.isSuperset(of: attribute.needs)
    }

    /// The names of the stages that are asked about an attribute of one end, each with its place: the answering stage's number is one more.
    package func stagesAsked(for attribute: Attribute) -> [(place: Int, name: String)] {
        asked.indices.filter { asked[$0].contains(attribute) }.map { ($0, input.enrichers[$0].name) }
    }
}

extension SelectedAttribute {
    /// What to say of one that exists and that the plan does not capture.
    package var notCaptured: String { "\(name): not captured by the running plan; add it to a metric or exporter" }
}

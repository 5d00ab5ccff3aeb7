// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Labels of pods, nodes and namespaces that users want as attributes: `labels: { team: app.kubernetes.io/team }`.
///
/// An attribute may be named for more than one kind; then a pod's own label is preferred to its namespace's, and that to its node's.
struct LabelAttributes: Sendable, Equatable {
    /// One attribute and the label that fills it.
    struct Entry: Sendable, Equatable {
        let attribute: Attribute
        let label: String
    }

    /// More per kind than anybody can look at.
    static let maxEntries = 32

    private(set) var pod: [Entry] = []
    private(set) var node: [Entry] = []
    private(set) var namespace: [Entry] = []

    var attributes: Set<Attribute> { Set((pod + node + namespace).map(\.attribute)) }
    /// Every label that is needed.
    var names: [String] { (pod + node + namespace).map(\.label) }

    mutating func read(_ section: inout ConfigSection) {
        var named: [String: Attribute] = [:]
        pod = Self.read("labels", of: "a pod's label", &section, &named)
        node = Self.read("node_labels", of: "a node's label", &section, &named)
        namespace = Self.read("namespace_labels", of: "a namespace's label", &section, &named)
    }

    private static func read(
        _ key: String, of source: String, _ section: inout ConfigSection, _ named: inout [String: Attribute]
    ) -> [Entry] {
        guard var labels = section.section(key) else { return [] }
        var entries: [Entry] = []
        var seen: Set<Attribute> = []
        for entry in labels.takeRest() {
            guard let name = entry.key.text else {
                section.note(.wrongShape, "expected the name of an attribute, found \(entry.key.kindName)", at: entry.key.position)
                continue
            }
            guard let label: String = section.scalar(entry.value) else { continue }
            guard LabelKey.isValid(label) else {
                section.note(.badValue, "'\(label)' is no label's name such as app.kubernetes.io/team", at: entry.value.position)
                continue
            }
            guard let attribute = attribute(name, of: source, entry.key.position, section, &named) else { continue }
            guard seen.insert(attribute).inserted else {
                section.note(.conflict, "'\(name)' is filled twice here", at: entry.key.position)
                continue
            }
            entries.append(Entry(attribute: attribute, label: label))
            if entries.count == maxEntries + 1 { section.note(.outOfRange, "more than \(maxEntries) labels", at: entry.key.position) }
        }
        return entries
    }

    private static func attribute(
        _ name: String, of source: String, _ position: ConfigPosition, _ section: ConfigSection, _ named: inout [String: Attribute]
    ) -> Attribute? {
        switch UserAttribute.named(name, of: source, "From labels of Kubernetes objects.") {
        case .failure(let problem): section.note(.badValue, problem.message, at: position)
        case .success(let attribute):
            let normal = UserAttribute.normal(name)
            if let twin = named[normal], twin != attribute {
                section.note(
                    .conflict, "'\(name)' is '\(twin.name)' to metrics and filters, where '_' and '.' are one: write it one way", at: position)
                return nil
            }
            if KubernetesEnricher.own.contains(where: { UserAttribute.normal($0.name) == normal }) || attribute == .covered {
                section.note(.conflict, "'\(name)' is filled from the API itself: give the label's attribute another name", at: position)
                return nil
            }
            named[normal] = attribute
            return attribute
        }
        return nil
    }
}

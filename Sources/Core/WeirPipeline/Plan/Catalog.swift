// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Every attribute that exists in this configuration, by the names users write.
package struct Catalog: Sendable {
    /// In the order of declaration, each end of an endpoint attribute apart.
    package let all: [SelectedAttribute]
    private let byName: [String: SelectedAttribute]
    /// What a stage declares, or the pipeline always knows.
    private let answered: Set<Attribute>

    /// `declared` come from the stages; what is built in is always there, and keeps its own help. `isSampled`: there is more to say of the
    /// sampling than that there is none.
    package init(declared: [Attribute] = [], isSampled: Bool = false) {
        var seen: Set<Attribute> = []
        var all: [SelectedAttribute] = []
        for attribute in Attribute.builtIn + declared where seen.insert(attribute).inserted {
            switch attribute.subject {
            case .flow: all.append(SelectedAttribute(attribute))
            case .endpoint: all += End.allCases.map { SelectedAttribute(attribute, $0) }
            }
        }
        self.all = all
        let always = Attribute.builtIn.filter { $0.subject == .flow && (isSampled || $0 != .samplingRate) }
        answered = Set(declared + always + [.address, .name])
        byName = Dictionary(all.map { (Self.normal($0.name), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// `src_zone` and `src.zone` are one name.
    package static func normal(_ name: String) -> String { String(name.map { $0 == "_" ? "." : $0 }) }

    package func named(_ name: String) -> SelectedAttribute? { byName[Self.normal(name)] }

    /// Whether somebody in this configuration can know the attribute. (A stranger's class in `owner.name` is no knowledge.)
    func isAnswered(_ attribute: Attribute) -> Bool { answered.contains(attribute) }

    /// The attributes that a name or a glob such as `k8s.*` means, in the catalog's order.
    package func matching(_ pattern: String) -> [SelectedAttribute] {
        if let one = named(pattern) { return [one] }
        guard pattern.contains(where: { $0 == "*" || $0 == "?" }) else { return [] }
        let glob = Glob(Self.normal(pattern))
        return all.filter { glob.matches(Self.normal($0.name)) }
    }

    /// What to say of a name that does not exist.
    package func unknown(_ name: String) -> String {
        if let both = all.first(where: { $0.attribute.subject == .endpoint && Self.normal($0.attribute.name) == Self.normal(name) }) {
            let destination = SelectedAttribute(both.attribute, .destination)
            return "'\(name)' is about one end: write '\(both.name)' or '\(destination.name)'"
        }
        if let hint = NamingTable.hint(for: name, in: self) { return "unknown attribute '\(name)'; \(hint)" }
        return "unknown attribute '\(name)'\(Suggestion.suffix(for: name, among: all.map(\.name)))"
    }
}

/// A choice of attributes: a list, or `include` and `exclude` with globs.
package enum AttributeSelection {
    /// `node` nil, or a mapping with no `include`, starts from `defaults`.
    package static func read(
        _ node: ConfigNode?, default defaults: [SelectedAttribute], catalog: Catalog, problems: ConfigProblems
    ) -> [SelectedAttribute] {
        guard let node else { return defaults }
        guard case .mapping = node.content else { return expand(node, catalog, problems) }
        guard var section = ConfigSection(node, problems: problems, files: .none) else { return defaults }
        var chosen = section.take("include").map { expand($0, catalog, problems) } ?? defaults
        if let excluded = section.take("exclude") {
            let out = Set(expand(excluded, catalog, problems))
            chosen.removeAll { out.contains($0) }
        }
        _ = section.finish()
        return chosen
    }

    private static func expand(_ node: ConfigNode, _ catalog: Catalog, _ problems: ConfigProblems) -> [SelectedAttribute] {
        let items: [ConfigNode]
        switch node.content {
        case .list(let list): items = list
        case .scalar(""): items = []
        default: items = [node]
        }
        var chosen: [SelectedAttribute] = []
        for item in items {
            guard let name = item.text else {
                problems.note(.wrongShape, "expected an attribute such as src.zone, found \(item.kindName)", at: item.position)
                continue
            }
            let found = catalog.matching(name)
            if found.isEmpty { problems.note(.unknownAttribute, catalog.unknown(name), at: item.position) }
            for attribute in found where !chosen.contains(attribute) { chosen.append(attribute) }
        }
        return chosen
    }
}

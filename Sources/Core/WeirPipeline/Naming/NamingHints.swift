// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// What to say to somebody who writes a profile's name where Weir's own is meant: in the configuration there are Weir's names alone.
extension NamingTable {
    /// Finishes "unknown attribute 'source.address'; …"; nil when no profile knows the name either.
    static func hint(for name: String, in catalog: Catalog) -> String? {
        let normal = Catalog.normal(name)
        if let (attribute, profile) = attribute(called: name, in: catalog) {
            return "did you mean '\(attribute.name)'? 'naming: \(profile.rawValue)' at an exporter calls it so"
        }
        // OBI has Beyla's names with a prefix of its own.
        let beylas = normal.hasPrefix("obi.") ? "beyla." + normal.dropFirst(4) : normal
        return leftOut.first { $0.name == beylas }.map { "Weir has none: \($0.reason)" }
    }

    /// Why Weir has no such label of Beyla's, `iface_direction`; nil for any other name.
    package static func absence(ofLabel label: String) -> String? {
        let normal = Catalog.normal(label)
        return leftOut.first { Catalog.normal($0.name) == normal }?.reason
    }

    /// The attribute that some other profile calls so, and which that is; `asStandIn` also where it only stands for another one.
    package static func attribute(
        called name: String, in catalog: Catalog, asStandIn: Bool = true
    ) -> (attribute: SelectedAttribute, profile: NamingProfile)? {
        let normal = Catalog.normal(name)
        for profile in NamingProfile.allCases where profile != .weir {
            let names = NamedAttributes(catalog.all, profile)
            guard let index = names.names.firstIndex(where: { Catalog.normal($0) == normal }) else { continue }
            let attribute = names.selected[index]
            if asStandIn || place(of: attribute.name)?.row[profile].isStandIn != true { return (attribute, profile) }
        }
        return nil
    }

    /// The built-in metric that other agents, Prometheus and OTLP call by this name: `beyla.network.flow.bytes`,
    /// `obi_network_flow_bytes_total`, `network.flow`. By Beyla's rule: without prefix, and without the endings that exporters add.
    package static func metric(called name: String, among builtIn: [String]) -> String? {
        func bare(_ name: String) -> String {
            var text = Catalog.normal(name)
            for prefix in ["beyla.", "obi.", "weir."] where text.hasPrefix(prefix) {
                text.removeFirst(prefix.count)
                break
            }
            for ending in [".total", ".bytes"] where text.hasSuffix(ending) { text.removeLast(ending.count) }
            return text
        }
        let wanted = bare(name)
        return builtIn.first { bare($0) == wanted }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// A selection of attributes in the words of one profile. Made once per metric or exporter.
package struct NamedAttributes: Sendable {
    /// As users selected them.
    package let selected: [SelectedAttribute]
    /// What is stored for each: another attribute where the profile's values differ in more than spelling.
    package let stored: [SelectedAttribute]
    /// What each is called. No two share a name.
    package let names: [String]
    /// The columns whose texts are spelled in small letters.
    package let lowerCase: [Int]

    package init(_ selected: [SelectedAttribute], _ profile: NamingProfile) {
        self.selected = selected
        if profile == .weir {
            stored = selected
            names = selected.map(\.name)
            lowerCase = []
            return
        }
        let places = selected.map { NamingTable.place(of: $0.name) }
        func name(_ index: Int) -> String? { places[index].map { $0.row[profile].at($0.end) } }
        func isStandIn(_ index: Int) -> Bool { places[index]?.row[profile].isStandIn ?? false }
        let byRight = Set(selected.indices.filter { !isStandIn($0) }.map { name($0) ?? selected[$0].name })
        var stored: [SelectedAttribute] = []
        var names: [String] = []
        var lowerCase: [Int] = []
        for index in selected.indices {
            let attribute = selected[index]
            // Where the name's owner is selected too, a stand-in stays what it is to Weir.
            guard let place = places[index], let name = name(index), !isStandIn(index) || !byRight.contains(name) else {
                stored.append(attribute)
                names.append(attribute.name)
                continue
            }
            names.append(name)
            switch place.row[profile].values {
            case .same: stored.append(attribute)
            case .lowerCase:
                stored.append(attribute)
                lowerCase.append(index)
            case .noStrangers: stored.append(attribute.end.map { SelectedAttribute(.knownOwnerName, $0) } ?? attribute)
            }
        }
        self.stored = stored
        self.names = names
        self.lowerCase = lowerCase
    }

    /// The names that two attributes of a catalog would share under a profile, as users would meet them: with `_` for `.`.
    package static func collisions(in catalog: Catalog, _ profile: NamingProfile) -> [(name: String, first: String, second: String)] {
        let named = NamedAttributes(catalog.all, profile)
        var owners: [String: String] = [:]
        return zip(named.names, named.selected).compactMap { name, attribute in
            let first = owners.updateValue(attribute.name, forKey: Catalog.normal(name))
            return first.map { (name, $0, attribute.name) }
        }
    }
}

extension Attribute {
    /// `owner.name` without the classes of strangers. The pipeline's own: nobody selects it, a profile asks for it.
    static let knownOwnerName = endpoint("owner.name of no stranger", "`owner.name`, absent for a stranger.")
}

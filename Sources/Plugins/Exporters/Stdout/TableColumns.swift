// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// What stands where in the table: the attributes in their order, the two ends of one fact side by side.
package struct TableColumns: Sendable, Equatable {
    package enum Column: Sendable, Equatable {
        /// Numbers of attributes in the batch.
        case single(Int)
        case pair(source: Int, destination: Int)
    }

    package let columns: [Column]
    /// Per attribute of the batch.
    package let titles: [String]
    /// The attribute that decides a line's colour.
    package let scope: Int?

    /// The titles are of the names that the exporter was given; without them of Weir's.
    package init(_ attributes: [SelectedAttribute], called given: [String]? = nil) {
        let names = attributes.map { Self.split($0.name) }
        titles = names.indices.map { index in
            guard let given, given[index] != attributes[index].name else { return Self.title(names[index]) }
            return Self.title((given[index], nil))
        }
        scope = attributes.firstIndex { $0.attribute == .trafficScope }
        columns = names.indices.compactMap { index in
            guard let end = names[index].end else { return .single(index) }
            guard let partner = names.firstIndex(where: { $0.base == names[index].base && $0.end == (end == .source ? .destination : .source) })
            else { return .single(index) }
            // A pair stands where the first of its two halves was selected.
            guard index < partner else { return nil }
            return end == .source ? .pair(source: index, destination: partner) : .pair(source: partner, destination: index)
        }
    }

    /// Places on a line, counted from the time at 0, where a text may be cut: all but the scope.
    var cuttableFields: [Int] {
        var fields: [Int] = []
        var place = 1
        for column in columns {
            switch column {
            case .single(let attribute):
                if attribute != scope { fields.append(place) }
                place += 1
            case .pair:
                fields += [place, place + 1]
                place += 2
            }
        }
        return fields
    }

    /// `src.zone` → `zone` of the source, `k8s.dst.namespace` → `k8s.namespace` of the destination. By name and not by
    /// type, because ports are facts of the flow and still belong to an end.
    private static func split(_ name: String) -> (base: String, end: End?) {
        var parts = name.split(separator: ".")
        let place = parts.first == "k8s" ? 1 : 0
        guard parts.count > place + 1, let end = End.allCases.first(where: { $0.prefix == parts[place] }) else { return (name, nil) }
        parts.remove(at: place)
        return (parts.joined(separator: "."), end)
    }

    /// `SRC OWNER`, `SCOPE`, `SRC K8S NAMESPACE`.
    private static func title(_ name: (base: String, end: End?)) -> String {
        var words = name.base.split(separator: ".")
        if words.count > 1, words.last == "name" { words.removeLast() }
        if words.count > 1, words.first == "traffic" { words.removeFirst() }
        if let end = name.end { words.insert(end.prefix[...], at: 0) }
        return words.joined(separator: " ").uppercased()
    }
}

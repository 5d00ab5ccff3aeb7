// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// What the rows of ``NamingTable`` are made of.
extension NamingTable {
    /// The metrics that have an attribute when nobody chose.
    package struct Defaults: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// `network.flow.bytes`, `network.flow.packets` and metrics of one's own; records too.
        package static let flows = Defaults(rawValue: 1)
        /// `network.inter.zone.bytes`.
        package static let zones = Defaults(rawValue: 2)
        package static let all: Defaults = [.flows, .zones]
    }

    /// What becomes of an attribute's values.
    package enum Values: Sendable {
        case same
        /// `TCP` → `tcp`. Only for attributes whose few words are known.
        case lowerCase
        /// `(internet)` and the other classes of strangers → absent.
        case noStrangers
    }

    /// One attribute in the words of one profile.
    package struct Name: Sendable, ExpressibleByStringLiteral {
        /// With `<end>` and the like where there are two.
        package let pattern: String
        package let on: Defaults
        package let values: Values
        /// Whether the name is another attribute's, for which this one stands where that one is not selected beside it.
        package let isStandIn: Bool

        private init(_ pattern: String, _ on: Defaults, _ values: Values, isStandIn: Bool) {
            self.pattern = pattern
            self.on = on
            self.values = values
            self.isStandIn = isStandIn
        }

        package init(stringLiteral pattern: String) { self.init(pattern, [], .same, isStandIn: false) }

        static func on(_ metrics: Defaults, _ pattern: String) -> Name { Name(pattern, metrics, .same, isStandIn: false) }
        static func lowerCase(_ pattern: String) -> Name { Name(pattern, [], .lowerCase, isStandIn: false) }
        static func standIn(_ metrics: Defaults, _ pattern: String, _ values: Values = .same) -> Name {
            Name(pattern, metrics, values, isStandIn: true)
        }

        /// The name at one end; for a pattern without ends it is the same at both.
        package func at(_ end: End) -> String {
            let words = ["<end>": end.prefix, "<side>": end == .source ? "source" : "destination", "<peer>": end == .source ? "" : "peer."]
            guard let open = pattern.firstIndex(of: "<"), let close = pattern.firstIndex(of: ">"), let word = words[String(pattern[open...close])]
            else { return pattern }
            return pattern[..<open] + word + pattern[pattern.index(after: close)...]
        }
    }

    /// One attribute, at both of its ends where it has two.
    package struct Row: Sendable {
        package let weir: Name
        package let beyla: Name
        package let otel: Name

        init(_ weir: Name, _ beyla: Name, _ otel: Name) {
            self.weir = weir
            self.beyla = beyla
            self.otel = otel
        }

        package subscript(_ profile: NamingProfile) -> Name {
            switch profile {
            case .weir: weir
            case .beyla: beyla
            case .otel: otel
            }
        }

        /// The ends at which the row has names of their own.
        var ends: [End] { weir.pattern.contains("<") ? End.allCases : [.source] }
    }

    /// Where a Weir name stands in the table.
    struct Place: Sendable {
        let row: Row
        let end: End
    }

    /// The rows by Weir's names, dots and underscores being the same.
    private static let places: [String: Place] = Dictionary(
        rows.flatMap { row in row.ends.map { (Catalog.normal(row.weir.at($0)), Place(row: row, end: $0)) } }, uniquingKeysWith: { first, _ in first })

    /// The row of an attribute; nil for one that has none, and so keeps its name.
    static func place(of weirName: String) -> Place? { places[Catalog.normal(weirName)] }
}

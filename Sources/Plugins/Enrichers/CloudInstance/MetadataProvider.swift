// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One row of the table of clouds: how a machine is recognised, how its metadata service is asked, and what its answers mean.
package struct MetadataProvider: Sendable {
    /// `cloud.provider` by OpenTelemetry, and what users write for `provider`.
    package let name: String
    /// `cloud.platform` by OpenTelemetry, where it has a word.
    package let platform: String?
    /// Alternatives, each a list of conditions that hold together. One that holds is enough.
    package let tests: [[MachineIdentity.Condition]]
    /// `http://169.254.169.254`, without a slash at its end.
    package let address: String
    /// Sent with every request.
    package var headers: [Header] = []
    /// Asked for before all else, where the service wants one.
    package var token: Token?
    /// What the service says with every answer; an answer without it is somebody else's.
    package var signature: Header?
    /// Asked side by side. Of two that say the same field the earlier counts.
    package let requests: [MetadataRequest]
    package var zones: ZoneRule = .named
    /// Where it says what the subnets of the own interfaces are, in a cloud in which a subnet lives in one zone.
    package var subnets: Subnets?

    package struct Header: Sendable, Equatable {
        package let name: String
        package let value: String
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A token for the requests of one attempt.
    package struct Token: Sendable {
        package let path: String
        /// How long it shall be good for.
        package let lifetime: Header
        /// The header that carries it afterwards.
        package let header: String
    }

    /// How the zone follows from what is answered.
    package enum ZoneRule: Sendable {
        /// It is answered in full.
        case named
        /// In full, and the region is the zone without its last part: `us-central1-a`.
        case namesRegion
        /// As a number within its region: 1 in westeurope is `westeurope-1`, as Kubernetes has it there too.
        case numbered
        /// A region is one place.
        case isRegion
    }

    package struct Subnets: Sendable {
        /// Answers one interface a line, by its hardware address.
        package let interfaces: String
        /// Below an interface: ranges, one a line.
        package let ranges: [String]
    }

    /// The fields that its requests can answer.
    package var fields: Set<CloudField> {
        var fields = Set(requests.flatMap { $0.sources.map(\.field) })
        if zones == .namesRegion { fields.insert(.region) }
        if zones == .isRegion { fields.insert(.zone) }
        return fields
    }

    package func isHere(_ machine: MachineIdentity) -> Bool { tests.contains { $0.allSatisfy(machine.holds) } }

    /// What follows from the answers taken together.
    package func completed(_ values: [CloudField: String]) -> [CloudField: String] {
        var values = values
        switch zones {
        case .named: break
        case .namesRegion: values[.region] = values[.region] ?? values[.zone].flatMap(Change.withoutLastPart.of)
        case .numbered:
            // A number alone would make zone 1 of two regions the same.
            values[.zone] = values[.zone].flatMap { zone in values[.region].map { "\($0)-\(zone)" } }
        case .isRegion: values[.zone] = values[.zone] ?? values[.region]
        }
        return values
    }
}

/// One GET, and what its answer holds.
package struct MetadataRequest: Sendable {
    package let path: String
    package let format: Format
    package let sources: [Source]

    package enum Format: Sendable { case text, json }

    /// Where a field stands in the answer.
    package struct Source: Sendable {
        package let field: CloudField
        /// The keys that lead to it in JSON; none for a text.
        package let keys: [String]
        package let change: Change
    }

    /// The answer is the field.
    package static func text(_ path: String, _ field: CloudField, _ change: Change = .none) -> Self {
        Self(path: path, format: .text, sources: [Source(field: field, keys: [], change: change)])
    }

    /// A document; keys are written with dots: `compute.location`.
    package static func json(_ path: String, _ sources: [(keys: String, field: CloudField, change: Change)]) -> Self {
        Self(
            path: path, format: .json,
            sources: sources.map { Source(field: $0.field, keys: $0.keys.split(separator: ".").map(String.init), change: $0.change) })
    }
}

/// What makes a service's text the value of a field.
package enum Change: Sendable {
    case none
    /// `projects/7/zones/us-central1-a` is `us-central1-a`.
    case lastComponent
    /// `Uocm:PHX-AD-1` is `PHX-AD-1`: what stands before the colon differs from account to account.
    case behindColon
    /// `us-central1-a` is `us-central1`; what has no parts is nothing.
    case withoutLastPart
    case lowercased

    package func of(_ text: String) -> String? {
        switch self {
        case .none: text
        case .lastComponent: text.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init)
        case .behindColon: text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).last.map(String.init)
        case .withoutLastPart: text.lastIndex(of: "-").map { String(text[..<$0]) }
        case .lowercased: text.lowercased()
        }
    }
}

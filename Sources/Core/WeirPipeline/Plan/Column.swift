// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Where the row loops read a selected attribute: each is one `UInt32` per row.
enum Column: Sendable, Equatable {
    /// A column of the endpoint table, at one end. Holds symbols.
    case endpoint(Int, End)
    /// A flow attribute that a plugin answers. Holds symbols.
    case plugged(Int)
    case sourcePort, destinationPort, clientPort, serverPort
    case transport, observer, scope, scopeReason, networkType, initiator, initiatorSource, direction
    case interface

    /// Whether the words are symbols, which their holders must count.
    var holdsSymbols: Bool {
        switch self {
        case .endpoint, .plugged: true
        default: false
        }
    }

    var isNumber: Bool {
        switch self {
        case .sourcePort, .destinationPort, .clientPort, .serverPort: true
        default: false
        }
    }

    /// The texts of an attribute that has few and known ones: word n means text n.
    var words: [String]? {
        switch self {
        case .transport: TransportName.all
        case .observer: Observer.allCases.map(\.name)
        case .scope: TrafficScope.allCases.map(\.name)
        case .scopeReason: TrafficScopeReason.allCases.map(\.name)
        case .networkType: ["ipv4", "ipv6"]
        case .initiator: Initiator.allCases.map(\.name)
        case .initiatorSource: InitiatorSource.allCases.map(\.name)
        case .direction: Initiator.allCases.map(\.direction)
        default: nil
        }
    }
}

/// Which attribute stands in which column, for one plan.
struct ColumnLayout: Sendable {
    let endpoint: [Attribute: Int]
    let plugged: [Attribute: Int]

    func column(_ selected: SelectedAttribute) -> Column {
        if let end = selected.end {
            guard let index = endpoint[selected.attribute] else { preconditionFailure("\(selected.name) is not in the plan") }
            return .endpoint(index, end)
        }
        switch selected.attribute {
        case .sourcePort: return .sourcePort
        case .destinationPort: return .destinationPort
        case .clientPort: return .clientPort
        case .serverPort: return .serverPort
        case .transport: return .transport
        case .observer: return .observer
        case .trafficScope: return .scope
        case .trafficScopeReason: return .scopeReason
        case .networkType: return .networkType
        case .initiator: return .initiator
        case .initiatorSource: return .initiatorSource
        case .direction: return .direction
        case .interface: return .interface
        default:
            guard let index = plugged[selected.attribute] else { preconditionFailure("\(selected.name) is not in the plan") }
            return .plugged(index)
        }
    }
}

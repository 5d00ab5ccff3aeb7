// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Where the row loops read a selected attribute: each is one `UInt32` per row.
enum Column: Sendable, Equatable {
    /// A column of the endpoint table, at one end. Holds symbols.
    case endpoint(Int, End)
    /// A flow attribute that a plugin answers. Holds symbols.
    case plugged(Int)
    case sourcePort, destinationPort, clientPort, serverPort, samplingRate
    case transport, observer, scope, scopeReason, networkType, initiator, initiatorSource, direction
    /// The interface's name; the address that was dialled. They hold symbols.
    case interface, sourceService, destinationService

    /// Whether the words are symbols, which their holders must count.
    var holdsSymbols: Bool {
        switch self {
        case .endpoint, .plugged, .interface, .sourceService, .destinationService: true
        default: false
        }
    }

    var isNumber: Bool {
        switch self {
        case .sourcePort, .destinationPort, .clientPort, .serverPort, .samplingRate: true
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

extension Column {
    /// The column of a flow attribute that every plan has; nil for those that plugins fill.
    init?(builtIn attribute: Attribute) {
        switch attribute {
        case .sourcePort: self = .sourcePort
        case .destinationPort: self = .destinationPort
        case .clientPort: self = .clientPort
        case .serverPort: self = .serverPort
        case .transport: self = .transport
        case .observer: self = .observer
        case .trafficScope: self = .scope
        case .trafficScopeReason: self = .scopeReason
        case .networkType: self = .networkType
        case .initiator: self = .initiator
        case .initiatorSource: self = .initiatorSource
        case .direction: self = .direction
        case .interface: self = .interface
        case .samplingRate: self = .samplingRate
        case .sourceService: self = .sourceService
        case .destinationService: self = .destinationService
        default: return nil
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
        if let column = Column(builtIn: selected.attribute) { return column }
        guard let index = plugged[selected.attribute] else { preconditionFailure("\(selected.name) is not in the plan") }
        return .plugged(index)
    }
}

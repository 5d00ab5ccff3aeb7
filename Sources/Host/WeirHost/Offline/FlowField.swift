// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline

/// Where a named field of a written flow belongs.
enum FlowField: Hashable, Sendable {
    case time, bytes, packets, transport, observer, initiator, initiatorSource, direction, clientPort, serverPort, interface
    case address(End), port(End), cgroup(End), service(End)
    /// What was known of one end when the flow was written.
    case recorded(Attribute, End)
    /// What the pipeline works out anew: traffic.scope and its reason, network.type. And the rate of sampling: written values are scaled.
    case derived
    /// What a stage of this configuration says of whole flows: nobody else can.
    case plugged

    /// Names that are no attributes.
    private static let plain: [String: FlowField] = [
        "time": .time, "bytes": .bytes, "packets": .packets, "src.cgroup": .cgroup(.source), "dst.cgroup": .cgroup(.destination),
    ]

    /// The field of a name in dots or underscores, Weir's or, as records may have it, another profile's; nil for a name that nothing in the
    /// configuration has.
    static func named(_ name: String, in catalog: Catalog) -> FlowField? {
        if let field = plain[Catalog.normal(name)] { return field }
        guard let selected = catalog.named(name) ?? NamingTable.attribute(called: name, in: catalog, asStandIn: false)?.attribute else { return nil }
        if let end = selected.end { return selected.attribute == .address ? .address(end) : .recorded(selected.attribute, end) }
        return switch selected.attribute {
        case .sourcePort: .port(.source)
        case .destinationPort: .port(.destination)
        case .sourceService: .service(.source)
        case .destinationService: .service(.destination)
        case .clientPort: .clientPort
        case .serverPort: .serverPort
        case .transport: .transport
        case .observer: .observer
        case .initiator: .initiator
        case .initiatorSource: .initiatorSource
        case .direction: .direction
        case .interface: .interface
        case .trafficScope, .trafficScopeReason, .networkType, .samplingRate: .derived
        default: .plugged
        }
    }

    /// Every name that means something, for suggestions.
    static func names(in catalog: Catalog) -> [String] { plain.keys.sorted() + catalog.all.map(\.name) }
}

extension FlowDraft {
    /// The IP protocol of `TCP`, `tcp` or `6`.
    static func transport(_ text: String) -> UInt8? {
        if let number = UInt8(text) { return number }
        return TransportName.all.firstIndex(of: text.uppercased()).map { UInt8($0) }
    }
}

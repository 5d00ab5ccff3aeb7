// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Attributes that the pipeline itself fills, or that several plugins share. A plugin declares its own beside them.
extension Attribute {
    // One end.
    public static let address = endpoint("address", "The IP address.")
    public static let name = endpoint("name", "The best name known for this address: pod, host or DNS name, else the address.")
    public static let ownerName = endpoint(
        "owner.name", "Who this is: the workload, container, unit or table entry; a class in brackets for a stranger.")
    public static let ownerType = endpoint("owner.type", "What kind of owner `owner.name` names.")
    public static let zone = endpoint("zone", "The availability zone by name.")
    public static let zoneID = endpoint("zone.id", "The availability zone by the provider's account-independent id.")
    public static let region = endpoint("region", "The cloud region.")
    public static let cidr = endpoint("cidr", "The narrowest table prefix that holds the address, or the name given to it.")
    /// What a table says of an address for `traffic.scope`: `private` or `cloud_service`.
    public static let scopeClaim = endpoint("scope", "The traffic scope that a table claims for this end: private or cloud_service.")
    /// What a stage says of an address for the rule of who counts. The text `true`, or anything else for "no".
    public static let covered = endpoint("covered", "true when another agent counts what this address sends.")

    // The flow.
    public static let trafficScope = flow(
        "traffic.scope", "What kind of traffic this is, by the first rule that holds.", valueCount: TrafficScope.allCases.count)
    public static let trafficScopeReason = flow(
        "traffic.scope.reason", "The rule that decided traffic.scope.", valueCount: TrafficScopeReason.allCases.count)
    public static let observer = flow("observer", "Which end is on the observing host: source, destination, both or transit.", valueCount: 4)
    public static let sourcePort = flow("src.port", "The source port; for ICMP the type.", needs: .ports)
    public static let destinationPort = flow("dst.port", "The destination port; for ICMP the code.", needs: .ports)
    public static let sourceService = flow("src.service.address", "The address that was dialled, where this host translated it to the source.")
    public static let destinationService = flow(
        "dst.service.address", "The address that was dialled, where this host translated it to the destination.")
    public static let clientPort = flow("client.port", "The port of the end that opened the connection; 0 when unknown.", needs: .initiator)
    public static let serverPort = flow("server.port", "The port of the end that was called; 0 when unknown.", needs: .initiator)
    public static let initiator = flow("initiator", "Which end opened the connection: src, dst or unknown.", needs: .initiator, valueCount: 3)
    public static let initiatorSource = flow(
        "initiator.source", "How the initiator is known: handshake, conntrack, listener or port; none when it is not.", needs: .initiator,
        valueCount: 5)
    public static let direction = flow(
        "direction", "request when the source opened the connection, response when the destination did.", needs: .initiator, valueCount: 3)
    public static let transport = flow("transport", "TCP, UDP, … or the IP protocol number.", needs: .transport)
    public static let networkType = flow("network.type", "ipv4 or ipv6.", valueCount: 2)
    public static let interface = flow("iface", "The interface that counted the flow.", needs: .interface)

    public static let samplingRate = flow(
        "sampling.rate", "One in this many packets was looked at, and bytes and packets are scaled by it; 1 where all were.")

    /// What exists whatever the configuration says.
    public static let builtIn: [Attribute] = [
        .address, .name, .ownerName, .ownerType, .zone, .zoneID, .region, .cidr, .scopeClaim, .covered,
        .trafficScope, .trafficScopeReason, .observer, .sourcePort, .destinationPort, .sourceService, .destinationService,
        .clientPort, .serverPort, .initiator, .initiatorSource, .direction, .transport, .networkType, .interface,
        .samplingRate,
    ]
}

/// `traffic.scope`: what the wire between the two ends costs, in kind.
public enum TrafficScope: UInt8, Sendable, CaseIterable {
    case unknown
    case multicast
    case sameHost = 2
    case `private`
    case cloudService
    case interRegion
    case sameZone
    case interZone
    case internet

    public var name: String {
        switch self {
        case .unknown: "unknown"
        case .multicast: "multicast"
        case .sameHost: "same_host"
        case .private: "private"
        case .cloudService: "cloud_service"
        case .interRegion: "inter_region"
        case .sameZone: "same_zone"
        case .interZone: "inter_zone"
        case .internet: "internet"
        }
    }
}

/// `traffic.scope.reason`: the rule that decided.
public enum TrafficScopeReason: UInt8, Sendable, CaseIterable {
    case multicast, sameHost, claimed, regions, zones, outside, zoneMissingSource, zoneMissingDestination, zoneMissingBoth

    public var name: String {
        switch self {
        case .multicast: "multicast"
        case .sameHost: "same_host"
        case .claimed: "claimed"
        case .regions: "regions"
        case .zones: "zones"
        case .outside: "outside"
        case .zoneMissingSource: "zone_missing_src"
        case .zoneMissingDestination: "zone_missing_dst"
        case .zoneMissingBoth: "zone_missing_both"
        }
    }
}

extension Observer {
    public var name: String {
        switch self {
        case .source: "source"
        case .destination: "destination"
        case .both: "both"
        case .transit: "transit"
        }
    }
}

extension Initiator {
    public var name: String {
        switch self {
        case .unknown: "unknown"
        case .source: "src"
        case .destination: "dst"
        }
    }

    /// Beyla's word for the same: is this flow the asking or the answering half?
    public var direction: String {
        switch self {
        case .unknown: "unknown"
        case .source: "request"
        case .destination: "response"
        }
    }
}

extension InitiatorSource {
    public var name: String {
        switch self {
        case .none: "none"
        case .handshake: "handshake"
        case .conntrack: "conntrack"
        case .listener: "listener"
        case .port: "port"
        }
    }
}

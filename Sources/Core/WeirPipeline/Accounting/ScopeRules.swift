// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// `scope:`: which addresses are nobody's internet.
package struct ScopeOptions: PluginOptions {
    /// RFC 1918, RFC 6598, RFC 4193, loopback and link-local, unless the user writes others.
    package static let defaultPrivate: [CIDR] = [
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128",
    ].map { CIDR($0)! }

    package var `private` = Self.defaultPrivate

    package init() {}

    package mutating func read(_ section: inout ConfigSection) {
        section.read("private", into: &`private`)
    }
}

/// The class of traffic between two endpoints: the first rule of the table that holds.
///
/// 1 multicast · 2 same host · 3 claimed by a table · 4 regions differ · 5 zones known · 6 an end outside · 7 unknown.
struct ScopeRules: Sendable {
    /// Where an endpoint's facts stand among the plan's columns.
    struct Columns: Sendable {
        let zone, zoneID, region, claim: Int
    }

    private let columns: Columns
    /// Symbols of the two texts that a table may claim, held for the life of the pipeline.
    private let privateSymbol: UInt32
    private let cloudServiceSymbol: UInt32

    init(columns: Columns, symbols: inout SymbolTable) {
        self.columns = columns
        privateSymbol = symbols.intern(TrafficScope.private.name)
        cloudServiceSymbol = symbols.intern(TrafficScope.cloudService.name)
    }

    /// Classifies every row of the batch.
    func classify(_ batch: inout FlowBatch, _ endpoints: borrowing EndpointTable) {
        let table = Table(width: endpoints.width, columns: columns, privateSymbol: privateSymbol, cloudServiceSymbol: cloudServiceSymbol)
        Self.classify(batch.source, batch.destination, batch.observer, endpoints.entries, endpoints.symbols, table, &batch.scope, &batch.scopeReason)
    }

    /// Static and over arrays, so that their storage is found once per batch and not once per row.
    private static func classify(
        _ sources: [UInt32], _ destinations: [UInt32], _ observers: [Observer], _ entries: [EndpointEntry], _ symbols: [UInt32], _ table: Table,
        _ scopes: inout [TrafficScope], _ reasons: inout [TrafficScopeReason]
    ) {
        let (sources, destinations, observers, entries, symbols) = (sources.span, destinations.span, observers.span, entries.span, symbols.span)
        var scopes = scopes.mutableSpan
        var reasons = reasons.mutableSpan
        for row in sources.indices {
            let (scope, reason) = rule(Int(sources[row]), Int(destinations[row]), observers[row], entries, symbols, table)
            scopes[row] = scope
            reasons[row] = reason
        }
    }

    /// What the rules look up, as numbers.
    private struct Table {
        let width: Int
        let columns: Columns
        let privateSymbol: UInt32
        let cloudServiceSymbol: UInt32
    }

    @inline(__always)
    private static func rule(
        _ source: Int, _ destination: Int, _ observer: Observer, _ entries: Span<EndpointEntry>, _ symbols: Span<UInt32>, _ table: Table
    ) -> (TrafficScope, TrafficScopeReason) {
        func both(_ column: Int) -> (UInt32, UInt32) {
            (symbols[source &* table.width &+ column], symbols[destination &* table.width &+ column])
        }
        let flags = (entries[source].flags, entries[destination].flags)
        if flags.0.union(flags.1).contains(.multicast) { return (.multicast, .multicast) }
        if observer == .both { return (.sameHost, .sameHost) }
        let claims = both(table.columns.claim)
        if claims.0 | claims.1 != 0 {
            // A cloud service at either end decides before "private": it is what the bill names.
            if claims.0 == table.cloudServiceSymbol || claims.1 == table.cloudServiceSymbol { return (.cloudService, .claimed) }
            if claims.0 == table.privateSymbol || claims.1 == table.privateSymbol { return (.private, .claimed) }
        }
        let regions = both(table.columns.region)
        if regions.0 != 0, regions.1 != 0, regions.0 != regions.1 { return (.interRegion, .regions) }
        let ids = both(table.columns.zoneID)
        if ids.0 != 0, ids.1 != 0 { return (ids.0 == ids.1 ? .sameZone : .interZone, .zones) }
        let zones = both(table.columns.zone)
        if zones.0 != 0, zones.1 != 0 { return (zones.0 == zones.1 ? .sameZone : .interZone, .zones) }
        // An end on this host is no stranger, whatever its address.
        let isOutside =
            switch observer {
            case .source, .both: flags.1.contains(.outside)
            case .destination: flags.0.contains(.outside)
            case .transit: flags.0.union(flags.1).contains(.outside)
            }
        if isOutside { return (.internet, .outside) }
        switch (zones.0 == 0, zones.1 == 0) {
        case (true, false): return (.unknown, .zoneMissingSource)
        case (false, true): return (.unknown, .zoneMissingDestination)
        default: return (.unknown, .zoneMissingBoth)
        }
    }
}

extension IPAddress {
    /// IPv4 224.0.0.0/4 and 255.255.255.255, IPv6 ff00::/8. (A subnet's own broadcast address cannot be told.)
    package var isMulticastOrBroadcast: Bool {
        isIPv4 ? (low >> 28 & 0xf) == 0xe || UInt32(truncatingIfNeeded: low) == .max : high >> 56 == 0xff
    }
}

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

    /// Classifies every row of the batch. Once per row: integers only.
    func classify(_ batch: inout FlowBatch, _ endpoints: borrowing EndpointTable) {
        for row in batch.rows {
            let (scope, reason) = rule(Int(batch.source[row]), Int(batch.destination[row]), batch.observer[row], endpoints)
            batch.setScope(scope, reason, row)
        }
    }

    @inline(__always)
    private func rule(
        _ source: Int, _ destination: Int, _ observer: Observer, _ endpoints: borrowing EndpointTable
    ) -> (TrafficScope, TrafficScopeReason) {
        let flags = (endpoints.flags[source], endpoints.flags[destination])
        if flags.0.union(flags.1).contains(.multicast) { return (.multicast, .multicast) }
        if observer == .both { return (.sameHost, .sameHost) }
        let claims = (endpoints.symbols[columns.claim][source], endpoints.symbols[columns.claim][destination])
        if claims.0 | claims.1 != 0 {
            // A cloud service at either end decides before "private": it is what the bill names.
            if claims.0 == cloudServiceSymbol || claims.1 == cloudServiceSymbol { return (.cloudService, .claimed) }
            if claims.0 == privateSymbol || claims.1 == privateSymbol { return (.private, .claimed) }
        }
        let regions = (endpoints.symbols[columns.region][source], endpoints.symbols[columns.region][destination])
        if regions.0 != 0, regions.1 != 0, regions.0 != regions.1 { return (.interRegion, .regions) }
        let ids = (endpoints.symbols[columns.zoneID][source], endpoints.symbols[columns.zoneID][destination])
        if ids.0 != 0, ids.1 != 0 { return (ids.0 == ids.1 ? .sameZone : .interZone, .zones) }
        let zones = (endpoints.symbols[columns.zone][source], endpoints.symbols[columns.zone][destination])
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

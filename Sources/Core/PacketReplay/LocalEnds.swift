// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PacketFile
internal import WeirCapture
internal import WeirKit

/// Which ends of a flow are on the host that captured: as told, else as the file's packet types say.
struct LocalEnds: Sendable {
    private var prefixes = PrefixTable<Bool>()

    init(_ local: [CIDR]) { for cidr in local { prefixes.insert(cidr, true) } }

    /// Where addresses decide, the direction of a packet is nothing that a key needs.
    var areAddresses: Bool { !prefixes.isEmpty }

    /// Whether an address is the host's own.
    func contains(_ address: IPAddress) -> Bool { address.isLoopback || prefixes.longest(address) != nil }

    func observer(_ flow: FlowTable.Key) -> Observer {
        let source: Bool
        let destination: Bool
        switch flow.direction {
        case .outgoing: (source, destination) = (true, contains(flow.destination))
        case .incoming: (source, destination) = (false, true)
        case .loopback: (source, destination) = (true, true)
        case .group: (source, destination) = (false, contains(flow.destination))
        case .passing, .unknown: (source, destination) = (contains(flow.source), contains(flow.destination))
        }
        return switch (source, destination) {
        case (true, true): .both
        case (true, false): .source
        case (false, true): .destination
        case (false, false): .transit
        }
    }
}

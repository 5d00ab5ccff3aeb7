// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Where the cluster's pods may live: an unknown address there may be that of a pod just born.
///
/// Private ranges, the pod ranges of nodes, and the neighbourhood (/24, /64) of pods with public addresses. Never any other
/// public address: the internet is not waited for.
struct ClusterRanges: Sendable {
    private static let `private`: PrefixTable<Bool> = {
        var table = PrefixTable<Bool>()
        for text in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"] {
            guard let range = CIDR(text) else { preconditionFailure("\(text) is no range") }
            table.insert(range, true)
        }
        return table
    }()

    /// Public pod ranges of nodes, rare and few.
    private var ranges: [CIDR: Int] = [:]
    private var neighbourhoods: [IPAddress: Int] = [:]

    var isEmpty: Bool { ranges.isEmpty && neighbourhoods.isEmpty }

    func contains(_ address: IPAddress) -> Bool {
        if Self.private.longest(address) != nil || neighbourhoods[Self.neighbourhood(of: address)] != nil { return true }
        return !ranges.isEmpty && ranges.keys.contains { $0.contains(address) }
    }

    mutating func add(_ range: CIDR) { if !Self.isPrivate(range) { ranges[range, default: 0] += 1 } }

    mutating func remove(_ range: CIDR) { if !Self.isPrivate(range) { Self.decrease(&ranges, range) } }

    mutating func add(_ pod: IPAddress) {
        if Self.private.longest(pod) == nil { neighbourhoods[Self.neighbourhood(of: pod), default: 0] += 1 }
    }

    mutating func remove(_ pod: IPAddress) {
        if Self.private.longest(pod) == nil { Self.decrease(&neighbourhoods, Self.neighbourhood(of: pod)) }
    }

    private static func isPrivate(_ range: CIDR) -> Bool { Self.private.longest(range.address) != nil }

    private static func neighbourhood(of address: IPAddress) -> IPAddress { address.masked(to: address.isIPv4 ? 120 : 64) }

    private static func decrease<Key>(_ counts: inout [Key: Int], _ key: Key) {
        guard let count = counts[key] else { return }
        counts[key] = count > 1 ? count - 1 : nil
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Which addresses DNS is asked about: the longest range that holds one decides, and where both lists have that range, `include`.
package struct AskedRanges: Sendable, Equatable {
    /// What DNS is never asked about: no host has such an address.
    private static let never: PrefixTable<Bool> = table(
        ["0.0.0.0/8", "224.0.0.0/4", "255.255.255.255", "::", "ff00::/8"].compactMap { CIDR($0) }, false)

    /// Whose names outside servers do not know, and have no business knowing who asks.
    package static let privateRanges = [
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10",
    ].compactMap { CIDR($0) }

    package var include: [CIDR] = []
    package var exclude: [CIDR] = AskedRanges.privateRanges

    package init() {}

    /// The lists, made fit for many questions.
    package struct Test: Sendable {
        private let table: PrefixTable<Bool>

        package init(_ ranges: AskedRanges) {
            var table = AskedRanges.table(ranges.exclude, false)
            for range in ranges.include { table.insert(range, true) }
            self.table = table
        }

        package func asks(about address: IPAddress) -> Bool { AskedRanges.never.longest(address) == nil && table.longest(address) ?? true }
    }

    private static func table(_ ranges: [CIDR], _ value: Bool) -> PrefixTable<Bool> {
        var table = PrefixTable<Bool>()
        for range in ranges { table.insert(range, value) }
        return table
    }
}

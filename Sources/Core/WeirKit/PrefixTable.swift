// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A longest-prefix table: CIDRs to values, frozen once built.
///
/// One dictionary per prefix length in use, asked from the longest to the shortest. Real tables use a handful of
/// lengths, so a look-up is a handful of hashes, whatever the number of prefixes.
public struct PrefixTable<Value: Sendable>: Sendable {
    private var tables: [(length: Int, entries: [IPAddress: Value])] = []

    public init() {}

    /// Adds a prefix; the value of one that is already there is replaced and returned.
    @discardableResult
    public mutating func insert(_ cidr: CIDR, _ value: Value) -> Value? {
        let length = cidr.mappedPrefixLength
        if let index = tables.firstIndex(where: { $0.length == length }) {
            return tables[index].entries.updateValue(value, forKey: cidr.address)
        }
        tables.append((length, [cidr.address: value]))
        tables.sort { $0.length > $1.length }
        return nil
    }

    public var isEmpty: Bool { tables.isEmpty }
    public var count: Int { tables.reduce(0) { $0 + $1.entries.count } }

    /// The value of the longest prefix that holds `address`.
    public func longest(_ address: IPAddress) -> Value? {
        for table in tables {
            if let value = entry(table, address) { return value }
        }
        return nil
    }

    /// Every prefix that holds `address`, the longest first.
    public func matches(_ address: IPAddress) -> [Value] { tables.compactMap { entry($0, address) } }

    /// `::/0` must not hold IPv4 addresses: their mapped form shares the first zero bits with it.
    private func entry(_ table: (length: Int, entries: [IPAddress: Value]), _ address: IPAddress) -> Value? {
        if address.isIPv4, table.length < 96 { return nil }
        return table.entries[address.masked(to: table.length)]
    }
}

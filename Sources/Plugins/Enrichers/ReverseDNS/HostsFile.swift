// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import DNSClient
package import WeirKit

/// What a hosts file says (hosts(5)): the first name of the first line of each address.
package struct HostsFile: Sendable, Equatable {
    package static let maxBytes = 1 << 20
    /// Addresses that are kept; lines beyond are skipped.
    package static let maxEntries = 65_536

    package private(set) var names: [IPAddress: String] = [:]
    /// Lines that say nothing usable: no address, no host name behind it, or no room any more.
    package private(set) var skipped = 0

    package init() {}

    package init(_ bytes: [UInt8]) {
        for line in bytes.split(separator: UInt8(ascii: "\n")) { read(line.prefix { $0 != UInt8(ascii: "#") }) }
    }

    private mutating func read(_ line: ArraySlice<UInt8>) {
        // More than two words are not looked at.
        let words = line.split(maxSplits: 2, whereSeparator: { [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")].contains($0) })
        guard let first = words.first else { return }
        guard words.count > 1, first.count <= 64, let address = IPAddress(String(decoding: first, as: UTF8.self)),
            words[1].count <= HostName.maxBytes + 1, let name = HostName.normalized(String(decoding: words[1], as: UTF8.self)),
            names[address] != nil || names.count < Self.maxEntries
        else {
            skipped += 1
            return
        }
        if names[address] == nil { names[address] = name }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Which addresses were told something new, so that the pipeline asks again. Bounded: past the limit it is all of them.
package struct ChangedAddresses: Sendable {
    /// As many as the pipeline keeps apart.
    package static let maxAddresses = 65_536

    package private(set) var all = false
    package private(set) var addresses: Set<IPAddress> = []

    package init() {}

    package var isEmpty: Bool { !all && addresses.isEmpty }

    mutating func insert(_ address: IPAddress) {
        guard !all, address != .zero else { return }
        addresses.insert(address)
        if addresses.count > Self.maxAddresses { insertAll() }
    }

    mutating func insertAll() {
        all = true
        addresses = []
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Addresses that wait, first come first served, never more than `limit`.
package struct AddressQueue {
    private let limit: Int
    /// A ring that grows to the limit and not beyond.
    private var ring: [IPAddress] = []
    private var head = 0
    package private(set) var count = 0

    package init(limit: Int) { self.limit = limit }

    package var isFull: Bool { count == limit }
    package var room: Int { limit - count }
    package var first: IPAddress? { count == 0 ? nil : ring[head] }

    /// False when there is no room.
    package mutating func append(_ address: IPAddress) -> Bool {
        guard count < limit else { return false }
        if count == ring.count { grow() }
        let end = head + count
        ring[end < ring.count ? end : end - ring.count] = address
        count += 1
        return true
    }

    @discardableResult
    package mutating func removeFirst() -> IPAddress? {
        guard let first else { return nil }
        head = head + 1 == ring.count ? 0 : head + 1
        count -= 1
        return first
    }

    private mutating func grow() {
        ring = Array(ring[head...] + ring[..<head])
        head = 0
        ring += Array(repeating: IPAddress(ipv4: 0), count: min(limit, max(64, 2 * count)) - count)
    }
}

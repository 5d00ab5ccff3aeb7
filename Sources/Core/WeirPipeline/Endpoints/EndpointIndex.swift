// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Finds an endpoint's slot by address and owner: open addressing with linear probing over slot numbers, and
/// deletion by shifting back, so that neither a look-up nor a replacement allocates.
struct EndpointIndex: ~Copyable {
    /// 0 for empty, else 1 + the slot.
    private(set) var buckets: [UInt32]
    private var used = 0
    /// Strangers choose addresses; the seed keeps them from choosing collisions.
    let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        buckets = [UInt32](repeating: 0, count: 1024)
    }

    @inline(__always)
    static func hash(_ address: IPAddress, _ owner: UInt64, _ seed: UInt64) -> Int { Int(truncatingIfNeeded: address.hash(seed: seed, with: owner)) }

    private func home(_ entry: EndpointEntry) -> Int { Self.hash(entry.address, entry.owner, seed) & (buckets.count - 1) }

    mutating func insert(_ slot: UInt32, in entries: borrowing [EndpointEntry]) {
        if (used + 1) * 4 > buckets.count * 3 { grow(entries) }
        place(slot, in: entries)
        used += 1
    }

    private mutating func place(_ slot: UInt32, in entries: borrowing [EndpointEntry]) {
        var bucket = home(entries[Int(slot)])
        while buckets[bucket] != 0 { bucket = (bucket + 1) & (buckets.count - 1) }
        buckets[bucket] = slot + 1
    }

    private mutating func grow(_ entries: borrowing [EndpointEntry]) {
        let old = buckets
        buckets = [UInt32](repeating: 0, count: old.count * 2)
        for entry in old where entry != 0 { place(entry - 1, in: entries) }
    }

    mutating func remove(_ slot: UInt32, in entries: borrowing [EndpointEntry]) {
        let mask = buckets.count - 1
        var hole = home(entries[Int(slot)])
        while buckets[hole] != slot + 1 { hole = (hole + 1) & mask }
        var next = (hole + 1) & mask
        // Entries behind the hole move into it unless that would put them before their home.
        while buckets[next] != 0 {
            let distance = (next - home(entries[Int(buckets[next] - 1)])) & mask
            if distance >= (next - hole) & mask {
                buckets[hole] = buckets[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        buckets[hole] = 0
        used -= 1
    }
}

/// What the look-up of a flow's end touches, side by side: half a cache line.
struct EndpointEntry: Sendable {
    var address = IPAddress(high: 0, low: 0)
    var owner: UInt64 = 0
    /// The batch that used it last: its endpoints are not replaced.
    var batch: UInt32 = 0
    var flags: EndpointTable.Flags = []
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Finds an endpoint's slot by address and owner: open addressing with linear probing over slot numbers, and
/// deletion by shifting back, so that neither a look-up nor a replacement allocates.
struct EndpointIndex: ~Copyable {
    /// 0 for empty, else 1 + the slot.
    private var buckets: [UInt32]
    private var used = 0
    /// Strangers choose addresses; the seed keeps them from choosing collisions.
    private let seed = UInt64.random(in: .min ... .max)

    init() { buckets = [UInt32](repeating: 0, count: 1024) }

    private func home(_ address: IPAddress, _ owner: UInt64) -> Int {
        // Two rounds of multiply-and-fold over the three words.
        var hash = (address.high ^ seed).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        var mixed = hash.high ^ hash.low ^ address.low
        hash = (mixed ^ owner &* 0xD6E8_FEB8_6659_FD93).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        mixed = hash.high ^ hash.low
        return Int(truncatingIfNeeded: mixed) & (buckets.count - 1)
    }

    func find(_ address: IPAddress, _ owner: UInt64, in keys: borrowing EndpointKeys) -> UInt32? {
        var bucket = home(address, owner)
        while buckets[bucket] != 0 {
            let slot = Int(buckets[bucket] - 1)
            if keys.addresses[slot] == address, keys.owners[slot] == owner { return UInt32(slot) }
            bucket = (bucket + 1) & (buckets.count - 1)
        }
        return nil
    }

    mutating func insert(_ slot: UInt32, in keys: borrowing EndpointKeys) {
        if (used + 1) * 4 > buckets.count * 3 { grow(keys) }
        place(slot, in: keys)
        used += 1
    }

    private mutating func place(_ slot: UInt32, in keys: borrowing EndpointKeys) {
        var bucket = home(keys.addresses[Int(slot)], keys.owners[Int(slot)])
        while buckets[bucket] != 0 { bucket = (bucket + 1) & (buckets.count - 1) }
        buckets[bucket] = slot + 1
    }

    private mutating func grow(_ keys: borrowing EndpointKeys) {
        let old = buckets
        buckets = [UInt32](repeating: 0, count: old.count * 2)
        for entry in old where entry != 0 { place(entry - 1, in: keys) }
    }

    mutating func remove(_ slot: UInt32, in keys: borrowing EndpointKeys) {
        let mask = buckets.count - 1
        var hole = home(keys.addresses[Int(slot)], keys.owners[Int(slot)])
        while buckets[hole] != slot + 1 { hole = (hole + 1) & mask }
        var next = (hole + 1) & mask
        // Entries behind the hole move into it unless that would put them before their home.
        while buckets[next] != 0 {
            let other = Int(buckets[next] - 1)
            let distance = (next - home(keys.addresses[other], keys.owners[other])) & mask
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

/// What names an endpoint, one array per part.
struct EndpointKeys: ~Copyable {
    var addresses: [IPAddress] = []
    var owners: [UInt64] = []
}

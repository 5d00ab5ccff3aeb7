// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirTesting

/// Changes inputs at random, the same way for the same seed: what `make test` runs where libFuzzer is not at hand.
package struct Mutator: Sendable {
    private var random: SplitMix64

    package init(seed: UInt64) { random = SplitMix64(seed: seed) }

    private mutating func number(below limit: Int) -> Int { Int(random.next() % UInt64(max(limit, 1))) }

    /// One of `seeds` (or nothing, where there is none) after one to eight changes.
    package mutating func input(from seeds: [[UInt8]], words: [[UInt8]], maxBytes: Int) -> [UInt8] {
        var bytes = seeds.isEmpty ? [] : seeds[number(below: seeds.count)]
        for _ in 0...number(below: 8) { change(&bytes, seeds, words) }
        return bytes.count > maxBytes ? Array(bytes.prefix(maxBytes)) : bytes
    }

    private mutating func change(_ bytes: inout [UInt8], _ seeds: [[UInt8]], _ words: [[UInt8]]) {
        let place = number(below: bytes.count + 1)
        switch number(below: 9) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(number(below: 8))
        case 1 where place < bytes.count: bytes[place] = UInt8(number(below: 256))
        // The numbers at which lengths and signs turn over.
        case 2 where place < bytes.count: bytes[place] = [0, 1, 0x7f, 0x80, 0xff, 0x20, 0x0a, 0x40][number(below: 8)]
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + number(below: 16)))
        case 4: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + number(below: 32))], at: number(below: bytes.count + 1))
        case 5 where !seeds.isEmpty:
            let other = seeds[number(below: seeds.count)]
            let start = number(below: other.count + 1)
            bytes.replaceSubrange(place..., with: other[start...])
        case 6: bytes.removeSubrange(place...)
        default:
            guard !words.isEmpty else { return }
            bytes.insert(contentsOf: words[number(below: words.count)], at: place)
        }
    }
}

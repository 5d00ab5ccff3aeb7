// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Gzip
import Testing
import WeirTesting

@Suite struct GzipTests {
    @Test("what is packed unpacks to the same, at every level, be it empty, random or all alike")
    func roundTrips() throws {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        for size in [0, 1, 2, 100, 65_535, 65_536, 1_000_000] {
            for level in [Int32(1), 6, 9] {
                let noise = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
                for bytes in [noise, [UInt8](repeating: 7, count: size)] {
                    let packed = try Gzip.packed(bytes, level: level)
                    #expect(packed.starts(with: [0x1f, 0x8b]))
                    #expect(try Gzip.unpacked(packed, maxBytes: size) == bytes, "seed \(seed), \(size) bytes, level \(level)")
                    if size > 0 { #expect(throws: Gzip.Failure.tooLarge) { try Gzip.unpacked(packed, maxBytes: size - 1) } }
                }
            }
        }
    }

    @Test("a bomb takes no more memory than allowed")
    func bomb() throws {
        let bomb = try Gzip.packed([UInt8](repeating: 0, count: 64 << 20))
        #expect(bomb.count < 100_000)
        #expect(throws: Gzip.Failure.tooLarge) { try Gzip.unpacked(bomb, maxBytes: 1 << 20) }
    }

    @Test("a member that is cut, changed or followed by something is damaged")
    func damage() throws {
        let packed = try Gzip.packed(Array("one two three four five six seven".utf8))
        for cut in 0..<packed.count {
            #expect(throws: Gzip.Failure.damaged, "cut at \(cut)") { try Gzip.unpacked(Array(packed.prefix(cut)), maxBytes: 1000) }
        }
        #expect(throws: Gzip.Failure.damaged) { try Gzip.unpacked(packed + [0], maxBytes: 1000) }
        var changed = packed
        changed[changed.count - 8] ^= 1  // the checksum
        #expect(throws: Gzip.Failure.damaged) { try Gzip.unpacked(changed, maxBytes: 1000) }
    }
}

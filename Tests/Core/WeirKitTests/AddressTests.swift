// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirKit
import WeirTesting

@Suite("Addresses and ranges")
struct AddressTests {
    // RFC 5952, section by section, and what RFC 4291 allows on the way in.
    @Test(
        "addresses are printed as RFC 5952 says",
        arguments: [
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),  // 4.2.3: the first of equal runs
            ("2001:0db8::0001", "2001:db8::1"),  // 4.1: no leading zeros
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),  // 4.2.2: one group is not shortened
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),  // 4.2.3: the longest run
            ("2001:DB8::ABCD", "2001:db8::abcd"),  // 4.3: small letters
            ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("0:0:0:0:0:0:0:0", "::"), ("fe80:0:0:1::", "fe80:0:0:1::"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("::192.0.2.1", "::c000:201"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
            ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("10.0.0.1", "10.0.0.1"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ])
    func printed(text: String, expected: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == expected)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4 ", "+1.2.3.4", "0x1.2.3.4",
            ":", ":::", "1:2", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "::1%eth0", "[::1]",
            "1.2.3.4::", "::1.2.3.4:5", "::1.2.3", "1:2:3:4:5:6:7::8:9", "1:2:3:4:5:6:7:1.2.3.4", "1::2:3:4:5:6:7:8",
        ])
    func refused(text: String) { #expect(IPAddress(text) == nil) }

    @Test("an address printed and read again is the same, whatever its bits")
    func roundTrip() {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        for _ in 0..<20_000 {
            // Groups of zeros are the hard part: half of them are cleared.
            let keep = UInt8.random(in: 0...255, using: &random)
            let mask: (Int) -> UInt64 = { half in
                (0..<4).reduce(0) { $0 | (keep >> (half * 4 + $1) & 1 == 1 ? 0xffff << UInt64($1 * 16) : 0) }
            }
            let address = IPAddress(high: random.next() & mask(0), low: random.next() & mask(1))
            #expect(IPAddress(address.description) == address, "seed \(seed)")
            let mapped = IPAddress(ipv4: UInt32(truncatingIfNeeded: random.next()))
            #expect(mapped.isIPv4 && IPAddress(mapped.description) == mapped, "seed \(seed)")
        }
    }

    @Test(
        "ranges are read when their host bits are zero",
        arguments: [
            ("10.0.0.0/20", "10.0.0.0/20"), ("10.0.0.7", "10.0.0.7/32"), ("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::1", "::1/128"), ("10.0.0.7/20", nil), ("10.0.0.0/33", nil), ("10.0.0.0/-1", nil), ("10.0.0.0/+8", nil), ("10.0.0.0/", nil),
            ("10.0.0.0/8/8", nil), ("2001:db8::1/32", nil), ("::/129", nil), ("/8", nil), ("", nil),
        ] as [(String, String?)])
    func ranges(text: String, expected: String?) { #expect(CIDR(text)?.description == expected) }

    @Test("0.0.0.0/0 holds every IPv4 address and no other, ::/0 the rest")
    func families() throws {
        let four = try #require(CIDR("0.0.0.0/0"))
        let six = try #require(CIDR("::/0"))
        let (a, b) = (try #require(IPAddress("192.0.2.1")), try #require(IPAddress("2001:db8::1")))
        #expect(four.contains(a) && !four.contains(b))
        #expect(six.contains(b) && !six.contains(a))
        var table = PrefixTable<String>()
        table.insert(four, "four")
        table.insert(six, "six")
        #expect(table.longest(a) == "four" && table.longest(b) == "six")
    }

    @Test("a prefix table answers as a search through all its prefixes does")
    func bruteForce() {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        // Few distinct bits, so that prefixes nest and addresses hit.
        func address() -> IPAddress {
            if Bool.random(using: &random) { return IPAddress(ipv4: UInt32(truncatingIfNeeded: random.next()) & 0xc003_000f) }
            return IPAddress(high: random.next() & 0xe000_0000_0000_0003, low: random.next() & 0x8000_0000_0000_0001)
        }
        for _ in 0..<20 {
            var table = PrefixTable<CIDR>()
            var all: Set<CIDR> = []
            for _ in 0..<200 {
                let base = address()
                guard let cidr = CIDR(base, prefixLength: Int.random(in: 0...base.bitWidth, using: &random)) else { continue }
                #expect((table.insert(cidr, cidr) != nil) == !all.insert(cidr).inserted, "seed \(seed)")
            }
            #expect(table.count == all.count)
            for _ in 0..<300 {
                let asked = address()
                let holding = all.filter { $0.contains(asked) }.sorted { $0.prefixLength > $1.prefixLength }
                #expect(table.matches(asked) == holding, "seed \(seed)")
                #expect(table.longest(asked) == holding.first, "seed \(seed)")
            }
        }
    }
}

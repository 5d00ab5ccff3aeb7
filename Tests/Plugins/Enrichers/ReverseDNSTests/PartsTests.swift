// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import ReverseDNSEnricher
import Testing
import WeirKit
import WeirTesting

private func address(_ number: Int) -> IPAddress { IPAddress(ipv4: UInt32(number)) }

@Suite("reverse_dns: limits and memory")
struct PartsTests {
    @Test("a bucket gives a second's worth at once, and over any time no more than its rate and that", arguments: [SplitMix64.freshSeed])
    func bucket(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for rate in [1, 7, 100, 10_000] {
            let start: UInt64 = 5_000_000_000
            var now = start
            var bucket = TokenBucket(perSecond: rate, at: now)
            var taken = 0
            while bucket.take(at: now) { taken += 1 }
            #expect(taken == rate)
            for _ in 0..<10_000 {
                // Never so long that what is saved runs over, but at a rate of one, which cannot save.
                now += UInt64.random(in: 0..<(rate == 1 ? 3_000_000_000 : 2_000_000_000 / UInt64(rate)), using: &random)
                while bucket.take(at: now) { taken += 1 }
                #expect(bucket.readyAt() > now)
            }
            let most = rate + Int(Double(now - start) * Double(rate) / 1e9)
            #expect(taken <= most + 1 && (taken >= most - 1 || rate == 1), "\(taken) of \(most) at \(rate), seed \(seed)")
            now = bucket.readyAt()
            let isTaken = bucket.take(at: now)
            #expect(isTaken)
        }
    }

    @Test("what has been saved is a second's worth, however long nobody asked")
    func saved() {
        var bucket = TokenBucket(perSecond: 5, at: 0)
        let later: UInt64 = 3_600_000_000_000
        var taken = 0
        while bucket.take(at: later) { taken += 1 }
        #expect(taken == 5)
        bucket.charge(3, at: later)
        #expect(bucket.readyAt() == later + 800_000_000)
        #expect(bucket.readyAt(leaving: 2) == later + 1_200_000_000)
        // What cannot be saved is not waited for.
        #expect(bucket.readyAt(leaving: 100) == later + 1_600_000_000)
    }

    @Test("a queue is first in, first out, up to its limit", arguments: [SplitMix64.freshSeed])
    func queue(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var queue = AddressQueue(limit: 100)
        var model: [IPAddress] = []
        for number in 0..<50_000 {
            if Int.random(in: 0..<(number / 5000 % 2 == 0 ? 3 : 5), using: &random) < 2 {
                let isTaken = queue.append(address(number))
                #expect(isTaken == (model.count < 100))
                if model.count < 100 { model.append(address(number)) }
            } else {
                let first = queue.removeFirst()
                #expect(first == model.first)
                if !model.isEmpty { model.removeFirst() }
            }
            #expect(queue.count == model.count && queue.first == model.first && queue.isFull == (model.count == 100), "seed \(seed)")
        }
    }

    @Test("a full cache gives up the oldest that is not protected, and keeps as many as it may", arguments: [SplitMix64.freshSeed])
    func cache(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var cache = NameCache(limit: 100)
        // The model: oldest first.
        var probation: [IPAddress] = []
        var protected: [IPAddress] = []
        for number in 0..<20_000 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let (slot, evicted) = cache.insert(address(number))
                #expect(evicted == (probation.count + protected.count == 100))
                if evicted { if probation.isEmpty { protected.removeFirst() } else { probation.removeFirst() } }
                probation.append(address(number))
                cache.setName("h\(number)", slot)
            case 2:
                guard let chosen = (probation + protected).randomElement(using: &random), let slot = cache.slot(of: chosen) else { continue }
                cache.protect(slot)
                probation.removeAll { $0 == chosen }
                protected.removeAll { $0 == chosen }
                protected.append(chosen)
                if protected.count > 80 { probation.append(protected.removeFirst()) }
            default:
                guard Int.random(in: 0..<4, using: &random) == 0, let chosen = (probation + protected).randomElement(using: &random),
                    let slot = cache.slot(of: chosen)
                else { continue }
                cache.remove(slot)
                #expect(!cache.isUsed(slot))
                probation.removeAll { $0 == chosen }
                protected.removeAll { $0 == chosen }
            }
            #expect(cache.count == probation.count + protected.count && cache.names == cache.count && cache.slots.count <= 100, "seed \(seed)")
            if number % 500 == 0 {
                for known in probation + protected { #expect(cache.slot(of: known).map { cache[$0].address } == known, "seed \(seed)") }
            }
        }
    }

    @Test("private ranges are not asked about by default; the longest range decides; multicast never")
    func ranges() {
        var ranges = AskedRanges()
        func asks(_ text: String) -> Bool { AskedRanges.Test(ranges).asks(about: IPAddress(text)!) }
        for address in [
            "10.1.2.3", "192.168.0.1", "172.31.255.255", "100.64.0.1", "127.0.0.1", "169.254.169.254", "::1", "fe80::1", "fd00::1", "224.0.0.1",
            "ff02::1", "255.255.255.255", "0.0.0.0", "::",
        ] {
            #expect(!asks(address), "\(address)")
        }
        for address in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1", "192.169.0.1"] { #expect(asks(address), "\(address)") }
        ranges.include = [CIDR("10.0.0.0/8")!, CIDR("192.168.7.0/24")!, CIDR("ff00::/8")!]
        #expect(asks("10.1.2.3") && asks("192.168.7.1") && !asks("192.168.8.1") && !asks("ff02::1"))
        ranges.exclude = [CIDR("0.0.0.0/0")!, CIDR("::/0")!, CIDR("10.9.0.0/16")!]
        #expect(asks("10.1.2.3") && !asks("10.9.2.3") && !asks("8.8.8.8") && !asks("2001:db8::1"))
    }

    @Test("a hosts file names by the first name of the first line of an address")
    func hosts() {
        let file = HostsFile(
            Array(
                """
                # a comment
                127.0.0.1\tlocalhost
                10.0.0.4   Web.Example.  web  # the first
                10.0.0.4   other.example\r
                ::ffff:10.0.0.5 mapped.example
                2001:db8::1 six.example
                fe80::1%eth0 zoned.example
                10.0.0.6
                10.0.0.7 bad_name! good.example
                not-an-address name.example

                10.0.0.8 last.example
                """.utf8))
        let expected = [
            "127.0.0.1": "localhost", "10.0.0.4": "web.example", "10.0.0.5": "mapped.example", "2001:db8::1": "six.example",
            "10.0.0.8": "last.example",
        ]
        #expect(Dictionary(uniqueKeysWithValues: file.names.map { ($0.key.description, $0.value) }) == expected)
        #expect(file.skipped == 4)
    }

    @Test("a hosts file of more addresses than the limit is cut, and says so")
    func manyHosts() {
        let lines = (0..<HostsFile.maxEntries + 10).map { "\(address($0)) h\($0)" }.joined(separator: "\n")
        let file = HostsFile(Array(lines.utf8))
        #expect(file.names.count == HostsFile.maxEntries)
        #expect(file.skipped == 10)
    }
}

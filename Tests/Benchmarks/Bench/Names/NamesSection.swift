// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import CountingMalloc
internal import DNSClient
internal import ReverseDNSEnricher
internal import WeirKit

/// What `reverse_dns` costs the data thread per endpoint that it is asked about, and what a full cache weighs.
struct NamesSection: Section {
    let name = "names"
    let abstract = "look-ups of reverse_dns with a full cache of 65,536 addresses; one core, from memory, CPU time"

    private static let count = 65_536
    private static let second: UInt64 = 1_000_000_000

    func run(_ setting: Setting, note: (Figure) -> Void) throws {
        if setting.isQuick { return }
        let before = counting_malloc_bytes()
        var book = try Self.full()
        let bytes = counting_malloc_bytes() - before
        note(Figure("full cache, names of 47 bytes", "bytes", [Double(bytes)]))
        note(Figure("full cache, per address", "bytes", [Double(bytes) / Double(Self.count)]))

        // In no order, as endpoints come.
        let known = (0..<Self.count).map { Self.address($0 &* 40_503 & 0xffff) }
        let looks = try Self.nanoseconds(setting, known, at: 10 * Self.second) {
            if case .name = $0 { true } else { false }
        } _: {
            book.look(up: $0, at: $1)
        }
        note(Figure("a known name", "ns", looks))

        // The first fill the queue of questions; all others find it full.
        let strangers = (0..<Self.count).map { IPAddress(ipv4: 0x0800_0000 + UInt32($0)) }
        for stranger in strangers.prefix(5000) { _ = book.look(up: stranger, at: 10 * Self.second) }
        let turned = try Self.nanoseconds(setting, Array(strangers.dropFirst(5000)), at: 10 * Self.second) {
            $0 == .absent
        } _: {
            book.look(up: $0, at: $1)
        }
        note(Figure("a stranger of a scan, turned away", "ns", turned))

        let ranges = AskedRanges.Test(AskedRanges())
        let asked = try Self.nanoseconds(setting, known, at: 0) {
            $0
        } _: { address, _ in
            ranges.asks(about: address)
        }
        note(Figure("whether an address may be asked about", "ns", asked))
        note(
            Figure(
                "a quarter of a sweep, which is one lock", "µs",
                (0..<setting.runs).map { _ in CPUTime.spent { _ = book.sweep(at: 10 * Self.second) } * 1e6 }))
    }

    private static func address(_ number: Int) -> IPAddress { IPAddress(ipv4: 0xcb00_0000 + UInt32(number)) }

    /// Every address was asked for and has a name, as cloud providers make them.
    private static func full() throws -> NameBook {
        var limits = NameBook.Limits()
        limits.entries = count
        limits.perSecond = 10_000
        var book = NameBook(limits, Metrics(MetricRegistry()), at: 0)
        for number in 0..<count {
            // Enough time for another question.
            let now = second + UInt64(number) * second / 10_000
            _ = book.look(up: address(number), at: now)
            guard case .ask(let asked) = book.next(at: now), asked == address(number) else { throw Wrong(what: "a question was not asked") }
            let host = 10_000 + number
            let name = "ec2-203-0-\(host)-12.eu-central-1.compute.example"
            _ = book.learn(asked, PointerReply(.names([name], refused: 0, ttl: .seconds(86_400)), messages: 1), at: now)
        }
        return book
    }

    private static func nanoseconds<Found>(
        _ setting: Setting, _ addresses: [IPAddress], at now: UInt64, _ isRight: (Found) -> Bool, _ look: (IPAddress, UInt64) -> Found
    ) throws -> [Double] {
        try (0..<setting.runs).map { _ in
            var right = 0
            let seconds = CPUTime.spent { for address in addresses where isRight(look(address, now)) { right += 1 } }
            guard right == addresses.count else { throw Wrong(what: "\(right) right answers of \(addresses.count)") }
            return seconds * 1e9 / Double(addresses.count)
        }
    }

    private struct Wrong: Error, CustomStringConvertible {
        let what: String
        var description: String { "could not measure names: \(what)" }
    }
}

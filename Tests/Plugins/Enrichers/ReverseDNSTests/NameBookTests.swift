// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import DNSClient
import ReverseDNSEnricher
import Testing
import WeirKit
import WeirTesting

private let second: UInt64 = 1_000_000_000
private let minute = 60 * second
private let hour = 60 * minute

private func address(_ number: Int) -> IPAddress { IPAddress(ipv4: 0xcb00_0000 + UInt32(number)) }
private func named(_ name: String, ttl: Duration = .seconds(600), messages: Int = 1) -> PointerReply {
    PointerReply(.names([name], refused: 0, ttl: ttl), messages: messages)
}
private let none = PointerReply(.none(ttl: nil), messages: 1)
private let silence = PointerReply(.failed(.timeout), messages: 2)

/// A book, its clock, and what it counts.
private final class Desk {
    let registry = MetricRegistry()
    var book: NameBook
    var now: UInt64

    init(at start: UInt64 = hour, _ change: (inout NameBook.Limits) -> Void = { _ in }) {
        var limits = NameBook.Limits()
        change(&limits)
        now = start
        book = NameBook(limits, Metrics(registry), at: start)
    }

    func look(_ number: Int) -> NameBook.Look { book.look(up: address(number), at: now) }
    func next() -> NameBook.Step { book.next(at: now) }
    func learn(_ number: Int, _ reply: PointerReply) -> Bool { book.learn(address(number), reply, at: now) }

    /// Asks and answers one address that must be new.
    func know(_ number: Int, _ reply: PointerReply) {
        #expect(look(number) == .pending)
        #expect(next() == .ask(address(number)))
        #expect(learn(number, reply))
    }

    /// All that a whole sweep finds.
    func sweep() -> [IPAddress] { (0..<5).flatMap { _ in book.sweep(at: now) }.sorted() }

    func count(_ name: String, _ label: String? = nil) -> UInt64 {
        let family = registry.read().first { $0.name == "weir_reverse_dns_\(name)" }
        return family?.cells.filter { cell in label == nil || cell.labels.contains { $0.value == label } }.reduce(0) { $0 + $1.cell.current } ?? 0
    }
}

@Suite("reverse_dns: what is known, and what is asked")
struct NameBookTests {
    @Test("an address is pending, asked once however often it is looked up, and then has its name")
    func once() {
        let desk = Desk()
        for _ in 0..<10 { #expect(desk.look(1) == .pending) }
        #expect(desk.next() == .ask(address(1)))
        for _ in 0..<10 { #expect(desk.look(1) == .pending) }
        #expect(desk.next() == .idle)
        #expect(desk.learn(1, named("vm.example")))
        #expect(desk.look(1) == .name("vm.example"))
        #expect(desk.next() == .idle)
        #expect(desk.count("questions_total") == 1)
        #expect(desk.count("answers_total", "name") == 1)
    }

    @Test("no name is remembered as well, for as long as the zone says within the limits")
    func negative() {
        let desk = Desk()
        desk.know(1, PointerReply(.none(ttl: .seconds(1)), messages: 1))
        desk.know(2, PointerReply(.none(ttl: .seconds(1_000_000)), messages: 1))
        desk.know(3, none)
        #expect(desk.look(1) == .absent)
        desk.now += 299 * second
        #expect(desk.sweep() == [])
        desk.now += 2 * second
        #expect(desk.sweep() == [address(1)])
        #expect(desk.sweep() == [], "said once")
        desk.now += hour
        #expect(desk.sweep() == [address(2), address(3)])
        // Late, but still not pending: nobody waits for what is most likely still nothing.
        #expect(desk.look(2) == .absent)
        #expect(desk.next() == .ask(address(2)))
        #expect(desk.learn(2, none) == false)
    }

    @Test("a name is served while it is renewed, and the pipeline hears only of another name")
    func stale() {
        let desk = Desk()
        desk.know(1, named("old.example"))
        desk.now += 601 * second
        #expect(desk.sweep() == [address(1)])
        #expect(desk.look(1) == .name("old.example"))
        #expect(desk.count("stale_answers_total") == 1)
        #expect(desk.next() == .ask(address(1)))
        #expect(desk.look(1) == .name("old.example"))
        #expect(desk.learn(1, named("old.example")) == false)
        desk.now += 601 * second
        #expect(desk.sweep() == [address(1)])
        #expect(desk.look(1) == .name("old.example"))
        #expect(desk.next() == .ask(address(1)))
        #expect(desk.learn(1, named("new.example")))
        #expect(desk.look(1) == .name("new.example"))
    }

    @Test("a late name that nobody looks up is not asked for, and goes after its rest")
    func unused() {
        let desk = Desk()
        desk.know(1, named("vm.example"))
        desk.now += 601 * second
        #expect(desk.sweep() == [address(1)])
        #expect(desk.next() == .idle)
        desk.now += 24 * hour
        #expect(desk.sweep() == [address(1)], "what has the name must lose it")
        #expect(desk.count("cached_addresses") == 0)
    }

    @Test("times are kept within their limits, whatever the server says", arguments: [(0, 300), (600, 600), (0x7fff_ffff, 86_400)])
    func times(_ said: Int, _ kept: UInt64) {
        let desk = Desk()
        desk.know(1, named("vm.example", ttl: .seconds(said)))
        desk.now += kept * second - 1
        #expect(desk.sweep() == [])
        desk.now += 1
        #expect(desk.sweep() == [address(1)])
    }

    @Test("servers that do not answer leave names standing until their rest is over, and are asked ever less")
    func failing() {
        let desk = Desk()
        desk.know(1, named("vm.example"))
        desk.now += 601 * second
        var asked: [UInt64] = []
        let end = desk.now + 24 * hour - minute
        while desk.now < end {
            for due in desk.sweep() { #expect(due == address(1)) }
            #expect(desk.look(1) == .name("vm.example"))
            if case .ask = desk.next() {
                asked.append(desk.now)
                #expect(desk.learn(1, silence) == false)
            }
            desk.now += 10 * second
        }
        let pauses = zip(asked.dropFirst(), asked).map { ($0 - $1) / minute }
        #expect(Array(pauses.prefix(5)) == [1, 2, 4, 8, 16])
        #expect(pauses.allSatisfy { $0 <= 16 })
        desk.now += 10 * minute
        #expect(desk.look(1) == .absent)
    }

    @Test("after eight silences in a row nobody waits, two questions probe, and one answer brings all back")
    func gone() {
        let desk = Desk()
        for number in 0..<100 { #expect(desk.look(number) == .pending) }
        for number in 0..<8 {
            #expect(desk.next() == .ask(address(number)))
            #expect(desk.learn(number, silence))
            #expect(desk.look(number) == .absent)
        }
        #expect(!desk.book.isAnswering)
        #expect(desk.look(50) == .absent)
        #expect(desk.look(1000) == .absent)
        desk.now += 10 * second
        #expect(desk.next() == .ask(address(8)))
        #expect(desk.next() == .ask(address(9)))
        #expect(desk.next() == .idle)
        #expect(desk.learn(8, PointerReply(.failed(.servfail), messages: 1)))
        #expect(desk.book.isAnswering)
        #expect(desk.look(50) == .pending)
        for number in 10..<40 { #expect(desk.next() == .ask(address(number))) }
        // What was asked in vain meanwhile need not wait for its minute: the eight, and the one whose failure ended it.
        #expect(desk.sweep() == (0..<9).map(address))
        #expect(desk.sweep() == [])
    }

    @Test("what was asked in vain and then finds no room waits its turn, also when the clock has hardly begun", arguments: [0, hour])
    func vainAndFull(_ start: UInt64) {
        let desk = Desk(at: start) {
            $0.queued = 16; $0.inFlight = 256
        }
        // Servers that are gone, and as many questions as make that sure.
        desk.now += 4 * second
        for number in 0..<8 { #expect(desk.look(number) == .pending) }
        for number in 0..<8 {
            #expect(desk.next() == .ask(address(number)))
            #expect(desk.learn(number, silence))
        }
        // One answers, and the eight are vain.
        desk.now += second
        _ = desk.look(100)
        #expect(desk.next() == .ask(address(100)))
        _ = desk.learn(100, named("vm.example"))
        #expect(desk.sweep() == (0..<8).map(address))
        // They are asked about again while strangers fill the queue.
        desk.now += second
        for number in 200..<216 { #expect(desk.look(number) == .pending) }
        for number in 0..<8 { #expect(desk.look(number) == .absent) }
        #expect(desk.count("turned_away_total") == 8)
        // Half a minute then, and not every sweep.
        for _ in 0..<28 {
            desk.now += second
            #expect(desk.sweep() == [])
        }
        desk.now += 2 * second
        #expect(desk.sweep() == (0..<8).map(address))
    }

    @Test("a scan asks no more than the limit, to the question, and what finds no room is counted and asked for later")
    func scan() {
        let desk = Desk {
            $0.perSecond = 50; $0.queued = 1000
        }
        let start = desk.now
        var asked = 0
        var pending = 0
        for number in 0..<65_536 {
            if desk.look(number) == .pending { pending += 1 }
            while case .ask(let address) = desk.next() {
                asked += 1
                _ = desk.book.learn(address, none, at: desk.now)
            }
            desk.now += second / 6553  // the scan takes ten seconds
        }
        let seconds = Double(desk.now - start) / Double(second)
        #expect(asked <= 50 + Int(50 * seconds), "\(asked) in \(seconds) s")
        #expect(asked >= Int(50 * seconds))
        #expect(pending == asked + 1000)
        #expect(desk.count("turned_away_total") == UInt64(65_536 - pending))
        // Those without room are told to come back, a few at a time, when the queue has room again.
        var invited: Set<IPAddress> = []
        for _ in 0..<600 {
            invited.formUnion(desk.book.sweep(at: desk.now))
            while case .ask(let address) = desk.next() { _ = desk.book.learn(address, none, at: desk.now) }
            desk.now += second
        }
        #expect(invited.count == 65_536 - pending)
    }

    @Test("known names are renewed in the middle of a scan, and are not pushed out by it, though every stranger has a name")
    func scanAndKnown() {
        let desk = Desk {
            $0.perSecond = 100; $0.queued = 500; $0.entries = 8000
        }
        let known = 500_000..<500_200
        for number in known {
            desk.know(number, named("known\(number).example"))
            desk.now += second / 50
        }
        var lost = 0
        var scanned = 0
        let start = desk.now
        var askedOfScan = 0
        while desk.now < start + 2 * hour {
            // Known ones have traffic all the time, so whatever the stage wants to be asked again, it is.
            for address in desk.book.sweep(at: desk.now) where known.contains(Int(truncatingIfNeeded: address.low & 0xffffff)) {
                let number = Int(truncatingIfNeeded: address.low & 0xffffff)
                if desk.look(number) != .name("known\(number).example") { lost += 1 }
            }
            for _ in 0..<600 {
                _ = desk.look(scanned % 400_000)
                scanned += 1
            }
            while case .ask(let address) = desk.next() {
                let number = Int(truncatingIfNeeded: address.low & 0xffffff)
                if !known.contains(number) { askedOfScan += 1 }
                _ = desk.book.learn(address, named(known.contains(number) ? "known\(number).example" : "s\(number).example"), at: desk.now)
            }
            desk.now += second
        }
        #expect(lost == 0)
        for number in known { #expect(desk.look(number) == .name("known\(number).example")) }
        #expect(askedOfScan > 400_000, "strangers have their turn too")
        #expect(desk.count("evicted_total") > 100_000)
        #expect(desk.count("cached_addresses") <= 8000)
    }

    @Test("repeated messages are paid for with questions not asked")
    func charged() {
        let desk = Desk {
            $0.perSecond = 10; $0.tries = 3; $0.inFlight = 256
        }
        for number in 0..<1000 { _ = desk.look(number) }
        let start = desk.now
        var messages = 0
        while desk.now < start + 60 * second {
            while case .ask(let address) = desk.next() {
                messages += 3
                _ = desk.book.learn(address, PointerReply(.failed(.servfail), messages: 3), at: desk.now)
            }
            desk.now += second / 100
        }
        #expect(messages <= 10 + 600 && messages >= 590, "\(messages)")
        #expect(desk.count("messages_total") == UInt64(messages))
    }

    /// What a question that is asked at `start` does: a message now and after each silence, then its end.
    private struct Slow {
        var address: IPAddress
        var messages: [UInt64]
        var end: UInt64
    }

    @Test("over any time no more messages than the limit, the repeats of open questions included", arguments: [SplitMix64.freshSeed])
    func slow(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for (perSecond, tries, inFlight, timeout) in [
            (100, 2, 32, second / 10), (100, 2, 32, 2 * second), (20, 5, 256, second / 2), (3, 5, 8, second),
        ] {
            let desk = Desk {
                $0.perSecond = perSecond; $0.tries = tries; $0.inFlight = inFlight
            }
            let end = desk.now + 5 * minute
            var open: [Slow] = []
            var sent: [UInt64] = []
            var number = 0
            while desk.now < end {
                for _ in 0..<20 { number += 1; _ = desk.look(number) }
                while case .ask(let address) = desk.next() {
                    let count = desk.now / minute % 2 == 0 ? tries : Int.random(in: 1...tries, using: &random)
                    let times = (0..<count).map { desk.now + UInt64($0) * timeout }
                    sent += times
                    open.append(Slow(address: address, messages: times, end: times.last! + timeout - 1))
                }
                for ended in open where ended.end <= desk.now {
                    _ = desk.book.learn(ended.address, named("vm.example", messages: ended.messages.count), at: desk.now)
                }
                open.removeAll { $0.end <= desk.now }
                desk.now += second / 100
            }
            // Of any two messages, those from the one to the other: a second's worth, or one question's, and the rate.
            sent.sort()
            let most = Double(max(perSecond, tries))
            var earliest = Double.infinity
            var worst = 0.0
            for (index, time) in sent.enumerated() {
                let due = Double(perSecond) * Double(time - sent[0]) / Double(second)
                earliest = min(earliest, Double(index) - due)
                worst = max(worst, Double(index + 1) - due - earliest)
            }
            #expect(worst <= most + 0.01, "\(worst) at once, of \(perSecond) a second with \(tries) tries, seed \(seed)")
            // It is no law that nothing is asked.
            #expect(sent.count > (timeout == second / 10 ? 250 * perSecond : 100), "\(sent.count), seed \(seed)")
        }
    }

    @Test("no more questions are open than allowed, and what a run left open is asked by the next")
    func open() {
        let desk = Desk { $0.inFlight = 3 }
        for number in 0..<5 { _ = desk.look(number) }
        for number in 0..<3 { #expect(desk.next() == .ask(address(number))) }
        #expect(desk.next() == .idle)
        #expect(desk.learn(0, PointerReply(.failed(.cancelled), messages: 0)) == false)
        desk.book.begin()
        var asked: Set<IPAddress> = []
        for number in 0..<5 {
            guard case .ask(let address) = desk.next() else { break }
            asked.insert(address)
            _ = desk.book.learn(address, named("h\(number).example"), at: desk.now)
        }
        #expect(asked == Set((0..<5).map(address)))
    }

    @Test("of several names the shortest stands, of these the first; names that are none leave it without one")
    func choice() {
        #expect(NameChoice.best(of: ["bb.example", "a.example", "b.example"]) == "a.example")
        #expect(NameChoice.best(of: []) == nil)
        let desk = Desk()
        desk.know(1, PointerReply(.names([], refused: 2, ttl: .seconds(600)), messages: 1))
        #expect(desk.look(1) == .absent)
        #expect(desk.count("refused_names_total") == 2)
        #expect(desk.count("answers_total", "none") == 1)
    }

    @Test("whatever happens in whatever order, limits hold and nothing is asked twice at a time", arguments: [SplitMix64.freshSeed])
    func random(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let desk = Desk {
            $0.entries = 1024; $0.queued = 64; $0.inFlight = 8; $0.perSecond = 200
        }
        var open: [IPAddress] = []
        var messages = 0
        let start = desk.now
        for _ in 0..<200_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5: _ = desk.look(Int.random(in: 0..<3000, using: &random))
            case 5..<7:
                if case .ask(let address) = desk.next() {
                    #expect(!open.contains(address) || desk.count("evicted_total") > 0, "seed \(seed)")
                    open.append(address)
                }
            case 7..<9 where !open.isEmpty:
                let address = open.remove(at: Int.random(in: 0..<open.count, using: &random))
                let reply: PointerReply =
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: named("h.example", ttl: .seconds(Int.random(in: 0..<4000, using: &random)))
                    case 1: none
                    case 2: silence
                    default: PointerReply(.failed(.refused), messages: 1)
                    }
                messages += reply.messages
                _ = desk.book.learn(address, reply, at: desk.now)
            default:
                desk.now += UInt64.random(in: 0..<second, using: &random)
                _ = desk.book.sweep(at: desk.now)
            }
            #expect(open.count <= 8, "seed \(seed)")
        }
        _ = desk.sweep()
        #expect(desk.count("cached_addresses") <= 1024)
        #expect(desk.count("cached_names") <= desk.count("cached_addresses"))
        #expect(desk.count("open_questions") == UInt64(open.count))
        #expect(desk.count("questions_total") == desk.count("answers_total") + UInt64(open.count))
        #expect(messages <= 200 + Int(200 * (desk.now - start) / second), "seed \(seed)")
    }
}

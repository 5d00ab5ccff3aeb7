// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import KubernetesEnricher
import Testing
import WeirKit
import WeirTesting

@Suite("who held an address when")
struct AddressBookTests {
    private static let address = IPAddress(ipv4: 0x0a01_0007)
    private static let (first, second) = (Holder(.pod, 1), Holder(.pod, 2))

    private func expect(_ expected: Bool, _ isNews: Bool) { #expect(isNews == expected) }

    @Test("an address that moves from pod to pod follows time")
    func moves() {
        var book = AddressBook(grace: 120)
        expect(true, book.begin(Self.address, Self.first, from: 100, tie: 1))
        expect(true, book.end(Self.address, Self.first, until: 200, at: 200))
        #expect(book.holder(of: Self.address, at: 260) == Self.first, "for the grace period it is who held it last")
        expect(true, book.begin(Self.address, Self.second, from: 205, tie: 2))
        #expect(book.holder(of: Self.address, at: 150) == Self.first)
        #expect(book.holder(of: Self.address, at: 203) == Self.first, "between the two the first is not long gone")
        #expect(book.holder(of: Self.address, at: 206) == Self.second)
        #expect(book.holder(of: Self.address, at: 50) == Self.first, "before the first is known, it is the first")
        book.forget(endedBefore: 330) { _ in }
        #expect(book.holder(of: Self.address, at: 150) == Self.second, "what is forgotten cannot answer")
    }

    @Test("without an heir an address is nobody's once the grace period is over, by the time that is asked for")
    func grace() {
        var book = AddressBook(grace: 120)
        _ = book.begin(Self.address, Self.first, from: 100, tie: 1)
        _ = book.end(Self.address, Self.first, until: 200, at: 7)
        #expect(book.holder(of: Self.address, at: 320) == Self.first)
        #expect(book.holder(of: Self.address, at: 320.1) == nil)
        var freed: [IPAddress] = []
        book.forget(endedBefore: 7) { freed.append($0) }
        #expect(freed.isEmpty && book.count == 1)
        book.forget(endedBefore: 7.1) { freed.append($0) }
        #expect(freed == [Self.address] && book.count == 0)
    }

    @Test("a pod that began later but ended is not preferred to one that is there")
    func lateStart() {
        var book = AddressBook(grace: 120)
        _ = book.begin(Self.address, Self.first, from: 95, tie: 1)
        _ = book.begin(Self.address, Self.second, from: 100, tie: 2)
        #expect(book.holder(of: Self.address, at: 150) == Self.second)
        _ = book.end(Self.address, Self.second, until: 200, at: 200)
        #expect(book.holder(of: Self.address, at: 201) == Self.first)
    }

    @Test("an address of a Service that is a node's too is the node's, and a pod's before both")
    func kinds() {
        var book = AddressBook(grace: 120)
        _ = book.begin(Self.address, Holder(.service, 9), from: 300, tie: 9)
        _ = book.begin(Self.address, Holder(.node, 3), from: 0, tie: 1)
        #expect(book.holder(of: Self.address, at: 400) == Holder(.node, 3))
        _ = book.begin(Self.address, Self.first, from: 100, tie: 1)
        #expect(book.holder(of: Self.address, at: 400) == Self.first)
    }

    @Test("who comes back to its address has it again, and is not forgotten with its first stay")
    func comesBack() {
        var book = AddressBook(grace: 120)
        _ = book.begin(Self.address, Self.first, from: 100, tie: 1)
        _ = book.end(Self.address, Self.first, until: 200, at: 200)
        expect(true, book.begin(Self.address, Self.first, from: 210, tie: 1))
        expect(false, book.begin(Self.address, Self.first, from: 220, tie: 1))
        book.forget(endedBefore: 1000) { _ in }
        #expect(book.holder(of: Self.address, at: 1000) == Self.first)
    }

    @Test("more holders of one address than have a meaning are left out and counted")
    func limit() {
        var book = AddressBook(grace: 120)
        for slot in 0..<UInt32(AddressBook.maxHolders) { expect(true, book.begin(Self.address, Holder(.service, slot), from: 0, tie: UInt64(slot))) }
        expect(false, book.begin(Self.address, Holder(.service, 1000), from: 0, tie: 1))
        #expect(book.refused == 1)
        #expect(
            book.holder(of: Self.address, at: 1) == Holder(.service, UInt32(AddressBook.maxHolders - 1)), "of equals the greatest tie, in any order")
    }

    @Test("of an address that goes from pod to pod every other second the oldest holders are forgotten, and never is one that comes refused")
    func usedAgainAndAgain() {
        var book = AddressBook(grace: 120)
        for slot in 0..<UInt32(100) {
            let time = 1000 + 1.8 * Double(slot)
            expect(true, book.begin(Self.address, Holder(.pod, slot), from: time, tie: UInt64(slot)))
            #expect(book.holder(of: Self.address, at: time + 1) == Holder(.pod, slot))
            expect(true, book.end(Self.address, Holder(.pod, slot), until: time + 1.5, at: time + 1.5))
            book.forget(endedBefore: time - 118) { _ in }
        }
        #expect(book.refused == 0)
        #expect(book.holder(of: Self.address, at: 1000 + 1.8 * 50 + 1) == Holder(.pod, 50), "the last 64 are remembered")
        book.forget(endedBefore: 2000) { _ in }
        #expect(book.count == 0)
    }

    /// All claims ever, looked through.
    private struct Model {
        var claims: [(holder: Holder, from: Double, until: Double)] = []

        func holder(at time: Double) -> Holder? {
            if let now = claims.filter({ $0.from <= time && time < $0.until }).max(by: { $0.from < $1.from }) { return now.holder }
            let over = claims.filter { $0.from <= time && $0.until <= time && time - $0.until <= 120 }
            if let last = over.max(by: { $0.until < $1.until }) { return last.holder }
            return claims.filter { $0.from > time }.min { $0.from < $1.from }?.holder
        }
    }

    @Test("holders of one address after each other: at every time the one that a list of all claims names", arguments: 0..<100)
    func law(_ round: Int) {
        let seed = SplitMix64.freshSeed &+ UInt64(round)
        var random = SplitMix64(seed: seed)
        var book = AddressBook(grace: 120)
        var model = Model()
        var events: [(time: Double, slot: UInt32, isBegin: Bool)] = []
        var time = 1000.0
        for slot in 0..<UInt32.random(in: 1...6, using: &random) {
            time += Double.random(in: 1...90, using: &random)
            events.append((time, slot, true))
            let until = time + Double.random(in: 1...200, using: &random)
            events.append((until, slot, false))
            model.claims.append((Holder(.pod, slot), time, until))
        }
        for event in events.sorted(by: { $0.time < $1.time }) {
            if event.isBegin {
                _ = book.begin(Self.address, Holder(.pod, event.slot), from: event.time, tie: UInt64(event.slot))
            } else {
                _ = book.end(Self.address, Holder(.pod, event.slot), until: event.time, at: event.time)
            }
        }
        for _ in 0..<200 {
            let asked = Double.random(in: 900...2000, using: &random)
            #expect(book.holder(of: Self.address, at: asked) == model.holder(at: asked), "at \(asked), WEIR_SEED=\(seed)")
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import DNSClient
package import WeirKit

/// What is known, what is asked, and what is to be asked next. No clock, no network: each call brings the time along, in nanoseconds of a
/// clock that only goes forward.
///
/// ```
/// look(up:) ──new──▶ queue of strangers ─┐              ┌─▶ learn: a name, none, or a failure, each with its time
///           ──late─▶ queue of known ─────┴─▶ next: ask ─┘        └─▶ sweep: times that are over
/// ```
/// An address is in one place at a time, so it is asked for once, however many flows it has.
package struct NameBook {
    package struct Limits: Sendable {
        package var entries = 65_536
        /// Of each queue.
        package var queued = 4096
        package var inFlight = 32
        /// Messages, and how many a question has at most.
        package var perSecond = 100
        package var tries = 2
        package var minTTL: Duration = .seconds(300)
        package var maxTTL: Duration = .seconds(86_400)
        /// How long "no name" stands at most, and where the server does not say.
        package var negativeTTL: Duration = .seconds(3600)
        /// How long a name stands after its time while it cannot be asked for again.
        package var serveStale: Duration = .seconds(86_400)

        package init() {}
    }

    package enum Look: Equatable {
        case name(String)
        case absent
        case pending
    }

    package enum Step: Equatable {
        case ask(IPAddress)
        /// Or until a question ends, which may cost less than it could.
        case wait(until: UInt64)
        /// Until somebody is looked up or a question ends.
        case idle
    }

    /// So many silences in a row, and the servers count as gone.
    private static let patience = 8
    /// Questions open at once while the servers are gone: enough to notice that they are back.
    private static let probes = 2
    /// After a failure, then doubled with each.
    private static let firstRetry: Duration = .seconds(60)
    private static let maxRetryDoublings: UInt8 = 4
    /// A late entry that found no room in the queue.
    private static let queueRetry: Duration = .seconds(30)
    /// Sweeps after which an address that is still looked up has traffic that lasts: some 16 s, when rows that waited for the name are through.
    private static let trial: UInt8 = 4
    /// Entries without a name go so long after their time, when nobody asked again.
    private static let negativeRest: Duration = .seconds(600)

    private let limits: Limits
    private let metrics: Metrics
    private var cache: NameCache
    private var bucket: TokenBucket
    private var strangers: AddressQueue
    /// Names whose time is over and that were asked for again.
    private var late: AddressQueue
    /// Whose turn it is, so that neither queue waits for the other to empty.
    private var isLateTurn = true
    /// Addresses that found no room: they are asked for again when there is some, if they still have traffic then.
    private var turnedAway: AddressQueue
    private var inFlight = 0
    private var silences = 0
    /// When servers that were gone last came back.
    private var cameBackAt: UInt64 = 0
    private var hand = 0

    package init(_ limits: Limits, _ metrics: Metrics, at now: UInt64) {
        self.limits = limits
        self.metrics = metrics
        cache = NameCache(limit: limits.entries)
        bucket = TokenBucket(perSecond: limits.perSecond, at: now)
        strangers = AddressQueue(limit: limits.queued)
        late = AddressQueue(limit: limits.queued)
        turnedAway = AddressQueue(limit: limits.entries)
    }

    /// Whether a question that is asked now will likely have an answer soon.
    package var isAnswering: Bool { silences < Self.patience }

    // MARK: - The data thread's side

    /// `isAllowed` says whether the address may be asked about; evaluated only where nothing is known of it.
    package mutating func look(up address: IPAddress, at now: UInt64, isAllowed: @autoclosure () -> Bool = true) -> Look {
        guard let slot = cache.slot(of: address) else { return isAllowed() ? admit(address) : .absent }
        let entry = cache[slot]
        guard entry.flags.contains(.known) else { return notYet }
        if now >= entry.expires, entry.flags.isDisjoint(with: .waiting) { askAgain(slot, at: now) }
        guard let name = entry.name, now < entry.forgetAt else { return .absent }
        if entry.flags.contains(.tested) { protect(slot) }
        if now >= entry.expires { metrics.stale.add() }
        return .name(name)
    }

    /// While the servers are gone no flow waits for them, though the question stays.
    private var notYet: Look { isAnswering ? .pending : .absent }

    private mutating func admit(_ address: IPAddress) -> Look {
        guard strangers.append(address) else {
            metrics.turnedAway.add()
            // Of those without room for their memory, the oldest are forgotten: they come back when the pipeline asks anew.
            if turnedAway.isFull { turnedAway.removeFirst() }
            _ = turnedAway.append(address)
            return .absent
        }
        let (slot, evicted) = cache.insert(address)
        if evicted { metrics.evicted.add() }
        cache[slot].flags.insert(.queued)
        return notYet
    }

    private mutating func askAgain(_ slot: Int, at now: UInt64) {
        let hasName = cache[slot].name != nil
        let address = cache[slot].address
        guard hasName ? late.append(address) : strangers.append(address) else {
            metrics.turnedAway.add()
            cache[slot].expires = now + Self.queueRetry.monotonic
            cache[slot].flags.remove([.announced, .pausing])
            return
        }
        cache[slot].flags.insert(.queued)
        if hasName { protect(slot) }
    }

    private mutating func protect(_ slot: Int) {
        cache[slot].flags.remove(.tested)
        cache.protect(slot)
    }

    // MARK: - The asking side

    /// What was on its way when the last run ended is asked again.
    package mutating func begin() {
        inFlight = 0
        for slot in cache.slots where cache.isUsed(slot) {
            guard cache[slot].flags.contains(.asked) else { continue }
            cache[slot].flags.remove(.asked)
            if strangers.append(cache[slot].address) { cache[slot].flags.insert(.queued) } else { cache.remove(slot) }
        }
    }

    package mutating func next(at now: UInt64) -> Step {
        guard inFlight < (isAnswering ? limits.inFlight : min(Self.probes, limits.inFlight)) else { return .idle }
        while let address = isLateTurn ? late.first ?? strangers.first : strangers.first ?? late.first {
            let isLate = isLateTurn ? late.count > 0 : strangers.count == 0
            guard let slot = cache.slot(of: address), cache[slot].flags.contains(.queued) else {
                // It was evicted, or an earlier question has answered it.
                remove(late: isLate)
                continue
            }
            // Enough must be there for every repeat that this and the open questions may still send: they are charged when it is known.
            let repeats = (inFlight + 1) * (limits.tries - 1)
            if inFlight > 0, repeats >= limits.perSecond { return .idle }
            guard bucket.take(at: now, leaving: repeats) else { return .wait(until: bucket.readyAt(leaving: repeats)) }
            remove(late: isLate)
            isLateTurn = !isLate
            cache[slot].flags.remove(.queued)
            cache[slot].flags.insert(.asked)
            inFlight += 1
            metrics.questions.add()
            return .ask(address)
        }
        return .idle
    }

    private mutating func remove(late isLate: Bool) { if isLate { late.removeFirst() } else { strangers.removeFirst() } }

    /// Takes the answer of a question that `next` gave out. True when the pipeline should ask about the address again.
    package mutating func learn(_ address: IPAddress, _ reply: PointerReply, at now: UInt64) -> Bool {
        inFlight -= 1
        metrics.count(reply)
        bucket.charge(reply.messages - 1, at: now)
        switch reply.answer {
        // The run ends: the entry stays as asked, for `begin`.
        case .failed(.cancelled): return false
        case .failed(let failure) where !failure.isFromServer: silences = min(silences + 1, Self.patience)
        default:
            if !isAnswering { cameBackAt = now }
            silences = 0
        }
        // An entry that gave way while its question was on its way is nobody's any more.
        guard let slot = cache.slot(of: address) else { return false }
        let before = cache[slot]
        cache[slot].flags.remove([.queued, .asked, .announced, .pausing])
        cache[slot].flags.insert(.known)
        switch reply.answer {
        case .names(let names, _, let ttl): settle(slot, NameChoice.best(of: names), ttl, at: now)
        case .none(let ttl): settle(slot, nil, ttl ?? limits.negativeTTL, at: now)
        case .failed: retry(slot, at: now)
        }
        return cache[slot].name != before.name || !before.flags.contains(.known)
    }

    private mutating func settle(_ slot: Int, _ name: String?, _ ttl: Duration, at now: UInt64) {
        cache.setName(name, slot)
        let longest = name == nil ? limits.negativeTTL : limits.maxTTL
        cache[slot].expires = now + min(max(ttl, limits.minTTL), longest).monotonic
        cache[slot].forgetAt = cache[slot].expires + (name == nil ? Self.negativeRest : limits.serveStale).monotonic
        cache[slot].failures = 0
    }

    /// A name goes on as long as it may; who has none is without for now.
    private mutating func retry(_ slot: Int, at now: UInt64) {
        cache[slot].failures = min(cache[slot].failures, Self.maxRetryDoublings) + 1
        cache[slot].expires = now + Self.pause(after: cache[slot].failures)
        cache[slot].flags.insert(.pausing)
        if cache[slot].name == nil { cache[slot].forgetAt = cache[slot].expires + Self.negativeRest.monotonic }
    }

    private static func pause(after failures: UInt8) -> UInt64 { firstRetry.monotonic << UInt64(failures - 1) }

    // MARK: - The house

    /// Looks at a part of the entries, all of them in four calls. Returns the addresses about which the pipeline should ask again, which it
    /// does where there is traffic: those whose answer is late, so that it is renewed; those that found no room and might now; and, when
    /// room gets scarce, names, to see which are in use.
    package mutating func sweep(at now: UInt64) -> [IPAddress] {
        var due: [IPAddress] = []
        let isCrowded = cache.isCrowded
        for _ in 0..<min(max(1024, cache.slots.count / 4 + 1), cache.slots.count) {
            hand = hand + 1 < cache.slots.count ? hand + 1 : 0
            guard cache.isUsed(hand) else { continue }
            let address = cache[hand].address
            if look(at: hand, now, isCrowded) { due.append(address) }
        }
        // Half of the room stays for those who come by themselves.
        for _ in 0..<min(strangers.room / 2, turnedAway.count) { if let address = turnedAway.removeFirst() { due.append(address) } }
        metrics.show(entries: cache.count, names: cache.names, queued: strangers.count + late.count, inFlight: inFlight, isAnswering: isAnswering)
        return due
    }

    /// Its question failed before the servers came back: there is no point in waiting any longer.
    private func isVain(_ entry: NameCache.Entry) -> Bool {
        entry.flags.contains(.pausing) && entry.expires - Self.pause(after: entry.failures) <= cameBackAt
    }

    /// True when the pipeline should ask about the entry, which may be gone then.
    private mutating func look(at slot: Int, _ now: UInt64, _ isCrowded: Bool) -> Bool {
        guard cache[slot].flags.contains(.known), cache[slot].flags.isDisjoint(with: .waiting) else { return false }
        // Most have nothing to be done; only the others are copied.
        if cache[slot].age == Self.trial, now < cache[slot].expires, cache[slot].failures == 0, !isCrowded { return false }
        let entry = cache[slot]
        if entry.age < Self.trial { cache[slot].age += 1 }
        if now >= entry.forgetAt {
            cache.remove(slot)
            return entry.name != nil
        }
        if now >= entry.expires || isVain(entry) {
            cache[slot].expires = min(entry.expires, now)
            cache[slot].flags.remove(.pausing)
            cache[slot].flags.insert(.announced)
            return !entry.flags.contains(.announced)
        }
        guard isCrowded, entry.name != nil, entry.age == Self.trial, entry.flags.isDisjoint(with: [.tested, .protected]) else { return false }
        cache[slot].flags.insert(.tested)
        return true
    }
}

/// Which of several names stands for the address.
package enum NameChoice {
    /// The shortest, and of these the first in alphabetical order: the same whatever order a server sends them in.
    package static func best(of names: [String]) -> String? { names.min { ($0.utf8.count, $0) < ($1.utf8.count, $1) } }
}

extension Duration {
    /// As a distance on the clock of a `NameBook`.
    var monotonic: UInt64 { UInt64(clamping: nanoseconds) }
}

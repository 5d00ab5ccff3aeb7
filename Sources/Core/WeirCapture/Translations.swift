// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import CWeirCapture
package import Netlink
internal import WeirKit

/// The real ends of rows, by what connection tracking says of their tuples. No kernel in here: tests answer the questions.
///
/// A connection C → S that is translated to B, with C masqueraded as M, has two views, one before this host and one behind it:
/// C ↔ S and M ↔ B. Each is one *pair* of places, whichever way a packet goes; both mean C ↔ B. So what is known stands by
/// pair, and a row asks once for both its directions.
///
/// Per chunk of rows: `look`, then `learn` as long as there are `questions`, then `rewrite`.
package struct Translations: Sendable {
    /// Two places that talk, the smaller first.
    fileprivate struct Pair: Hashable, Sendable {
        var first: IPAddress
        var second: IPAddress
        var ports: UInt32
        var transport: UInt8
    }

    fileprivate struct Place: Sendable {
        var address = IPAddress(high: 0, low: 0)
        var port: UInt16 = 0
    }

    private struct Verdict: Sendable {
        var answer = RowTranslation.Answer.direct
        /// Questions in vain, in a row: two mean that the next will hardly be better.
        var misses: UInt8 = 0
        /// Which drain asked, and in which second.
        var drain: UInt32 = 0
        var second: UInt32 = 0
        /// While it is asked: the number of its question.
        var open: Int32 = -1
        // Of a translated one: the real ends, in the order of the pair.
        var real: (Place, Place) = (Place(), Place())
        var service = IPAddress(high: 0, low: 0)
        var isRelayed = false
        /// Of one that was found: which end of the pair opened it; nil where the kernel cannot know.
        var isOpenedByFirst: Bool?
    }

    /// A pair that is asked for.
    private struct Open {
        var pair: Pair
        var verdict: Verdict
    }

    private var verdicts: RecentMemory<Pair, Verdict>
    /// The chunk in hand: what each row waits for, or its verdict.
    private var waits: [Int32] = []
    private var known: [Verdict] = []
    private var open: [Open] = []
    /// Which of the open ones the questions belong to.
    private var asked: [Int32] = []
    private var isSecondRound = false
    private var drain: UInt32 = 0
    private var now: UInt32 = 0
    private var missing = UnresolvedReason.notFound
    private let limit: Int
    private var left = 0
    private var leftSince: UInt32 = 0
    /// Tuples that were asked for since the last `takeCount`.
    private var count: UInt64 = 0

    /// What the kernel must be asked now.
    package private(set) var questions: [ConnectionTuple] = []
    /// What became of each row of the chunk, after `rewrite`.
    package private(set) var rows: [RowTranslation] = []

    /// So many seconds an answer stands without being asked again. A tuple that is used again begins with a SYN, which asks at
    /// once; this is for UDP, whose connections the kernel forgets after half a minute, and for those that somebody deletes.
    package static let lifetime: UInt32 = 15
    /// So many seconds a turn of the limit lasts at least: a window of the default, or some shorter ones.
    package static let turn: UInt32 = 4

    /// At most `limit` pairs are asked for in a turn, and `memory` are remembered.
    package init(limit: Int = 131_072, memory: Int = 65_536) {
        self.limit = limit
        verdicts = RecentMemory(limit: memory)
    }

    /// Pairs forgotten to make room for others: they are asked for again.
    package var dropped: UInt64 { verdicts.dropped }

    /// A drain begins. `isFull`: the kernel's table was full since the last one, so what it does not know may have found no room.
    package mutating func begin(second: UInt32, isFull: Bool = false) {
        drain &+= 1
        now = second
        missing = isFull ? .tableFull : .notFound
        if drain == 1 || second &- leftSince >= Self.turn {
            leftSince = second
            left = limit
        }
    }

    /// Finds out what must be asked for these rows.
    package mutating func look(at chunk: [capture_row], _ count: Int) {
        questions.removeAll(keepingCapacity: true)
        asked.removeAll(keepingCapacity: true)
        open.removeAll(keepingCapacity: true)
        waits.removeAll(keepingCapacity: true)
        known.removeAll(keepingCapacity: true)
        isSecondRound = false
        for index in 0..<count { look(at: chunk[index]) }
    }

    private mutating func look(at row: capture_row) {
        guard row.hasPorts else { return settle(Verdict(answer: .unresolved(.noPorts))) }
        let pair = Pair(row)
        let before = verdicts[pair]
        if let before {
            if before.open >= 0, before.drain == drain {
                waits.append(before.open)
                known.append(Verdict())
                return
            }
            if isFresh(before, row) { return settle(before) }
        }
        guard left > 0 else {
            // What was known is better than nothing.
            return settle(before ?? Verdict(answer: .unresolved(.limit)))
        }
        left -= 1
        let number = Int32(open.count)
        var verdict = Verdict()
        if let before {
            // Of a connection that is over the last packets may come when the kernel has forgotten it.
            if before.answer == .translated, row.flags == 0 { verdict = before }
            verdict.misses = before.misses
        }
        (verdict.drain, verdict.second, verdict.open) = (drain, now, number)
        verdicts[pair] = verdict
        open.append(Open(pair: pair, verdict: verdict))
        asked.append(number)
        questions.append(row.tuple)
        waits.append(number)
        known.append(Verdict())
    }

    private mutating func settle(_ verdict: Verdict) {
        waits.append(-1)
        known.append(verdict)
    }

    private func isFresh(_ verdict: Verdict, _ row: capture_row) -> Bool {
        // All looks of one drain must see the same.
        if verdict.drain == drain { return true }
        // A handshake: if it is another connection, it may have another backend.
        if row.flags != 0 { return false }
        if case .unresolved = verdict.answer, verdict.misses < 2 { return false }
        return now &- verdict.second < Self.lifetime
    }

    /// Takes the answers to `questions`, in their order. What was not found is asked the other way round: a packet that left this
    /// host translated is known by its answer alone.
    package mutating func learn(_ answers: [ConntrackAnswer]) {
        precondition(answers.count == questions.count, "an answer for each question")
        count += UInt64(answers.count)
        var unknown = 0
        for (index, answer) in answers.enumerated() {
            let number = Int(asked[index])
            switch answer {
            case .connection(let connection): describe(number, questions[index], connection)
            case .failed: miss(number, .failed)
            case .unknown where isSecondRound: miss(number, missing)
            case .unknown:
                questions[unknown] = questions[index].inverse
                asked[unknown] = asked[index]
                unknown += 1
            }
        }
        questions.removeLast(questions.count - unknown)
        asked.removeLast(asked.count - unknown)
        isSecondRound = true
        if questions.isEmpty { close() }
    }

    /// Nothing was found: what was known before stands once more, and no longer.
    private mutating func miss(_ number: Int, _ reason: UnresolvedReason) {
        let misses = min(open[number].verdict.misses + 1, 2)
        open[number].verdict.misses = misses
        guard open[number].verdict.answer != .translated || misses > 1 else { return }
        (open[number].verdict.answer, open[number].verdict.isOpenedByFirst) = (.unresolved(reason), nil)
    }

    /// What a connection, found by `tuple`, means for the pair of an open question.
    private mutating func describe(_ number: Int, _ tuple: ConnectionTuple, _ connection: TrackedConnection) {
        (open[number].verdict.answer, open[number].verdict.misses) = (.direct, 0)
        let isThere = tuple == connection.original
        guard isThere || tuple == connection.reply else { return }
        // The one who opened it stands at the tuple's source when the tuple goes there.
        let isOpenedByFirst = tuple.isInOrder == isThere
        // What is translated was dialled in the direction that the rule is for.
        open[number].verdict.isOpenedByFirst = connection.isPickedUp && !connection.isTranslated ? nil : isOpenedByFirst
        guard connection.isTranslated else { return }
        let initiator = Place(address: connection.original.source, port: connection.original.sourcePort)
        let responder = Place(address: connection.reply.source, port: connection.reply.sourcePort)
        let isDialled = connection.original.destination != responder.address
        open[number].verdict.answer = .translated
        open[number].verdict.real = isOpenedByFirst ? (initiator, responder) : (responder, initiator)
        open[number].verdict.service = isDialled ? connection.original.destination : IPAddress(high: 0, low: 0)
        open[number].verdict.isRelayed = isDialled && connection.reply.destination != initiator.address
    }

    private mutating func close() {
        for index in open.indices {
            open[index].verdict.open = -1
            verdicts[open[index].pair] = open[index].verdict
        }
    }

    /// Writes the real ends into the rows, and into `rows` what else is known.
    package mutating func rewrite(_ chunk: inout [capture_row], _ count: Int) {
        rows.removeAll(keepingCapacity: true)
        for index in 0..<count {
            let verdict = waits[index] < 0 ? known[index] : open[Int(waits[index])].verdict
            var row = RowTranslation(verdict.answer)
            let isInOrder = chunk[index].tuple.isInOrder
            let isFromInitiator = isInOrder == verdict.isOpenedByFirst
            if verdict.isOpenedByFirst != nil { row.initiator = isFromInitiator ? .source : .destination }
            if verdict.answer == .translated {
                chunk[index].rewrite(isInOrder ? verdict.real : (verdict.real.1, verdict.real.0))
                row.service = verdict.service
                row.serviceEnd = isFromInitiator ? .destination : .source
                row.isRelayed = isFromInitiator && verdict.isRelayed
            }
            rows.append(row)
        }
    }

    /// How many tuples were asked for since the last call.
    package mutating func takeCount() -> UInt64 {
        defer { count = 0 }
        return count
    }
}

extension Translations.Pair {
    fileprivate init(_ row: capture_row) {
        let tuple = row.tuple
        let isInOrder = tuple.isInOrder
        self.init(
            first: isInOrder ? tuple.source : tuple.destination, second: isInOrder ? tuple.destination : tuple.source,
            ports: isInOrder
                ? UInt32(tuple.sourcePort) << 16 | UInt32(tuple.destinationPort) : UInt32(tuple.destinationPort) << 16 | UInt32(tuple.sourcePort),
            transport: tuple.transport)
    }
}

extension ConnectionTuple {
    fileprivate var isInOrder: Bool { (source, sourcePort) <= (destination, destinationPort) }
}

extension capture_row {
    package var tuple: ConnectionTuple { ConnectionTuple(source, src_port, destination, dst_port, transport: self.protocol) }

    /// TCP, UDP, DCCP, SCTP and UDP-Lite; their later fragments have none.
    fileprivate var hasPorts: Bool {
        switch self.protocol {
        case 6, 17, 33, 132, 136: src_port != 0 || dst_port != 0
        default: false
        }
    }

    fileprivate mutating func rewrite(_ ends: (Translations.Place, Translations.Place)) {
        (src_high, src_low, src_port) = (ends.0.address.high, ends.0.address.low, ends.0.port)
        (dst_high, dst_low, dst_port) = (ends.1.address.high, ends.1.address.low, ends.1.port)
    }
}

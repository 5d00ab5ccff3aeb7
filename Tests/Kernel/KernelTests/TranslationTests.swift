// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CWeirCapture
import Netlink
import Testing
import WeirCapture
import WeirKit
import WeirTesting

/// A kernel's connection tracking as a table: it knows each connection by two tuples.
struct TranslationTable {
    private(set) var connections: [TrackedConnection] = []
    private var byTuple: [ConnectionTuple: TrackedConnection] = [:]
    private var views: Set<ConnectionTuple> = []
    var questions = 0

    /// False when a packet could be of this connection and of another, or of either direction.
    mutating func add(_ connection: TrackedConnection) -> Bool {
        let new = connection.views
        guard views.isDisjoint(with: new), connection.original != connection.reply, new.allSatisfy({ $0 != $0.inverse }) else { return false }
        views.formUnion(new)
        byTuple[connection.original] = connection
        byTuple[connection.reply] = connection
        connections.append(connection)
        return true
    }

    mutating func insert(_ connection: TrackedConnection) { precondition(add(connection), "one of its tuples is taken") }

    mutating func forget(_ connection: TrackedConnection) {
        byTuple[connection.original] = nil
        byTuple[connection.reply] = nil
        views.subtract(connection.views)
    }

    mutating func ask(_ tuples: [ConnectionTuple]) -> [ConntrackAnswer] {
        questions += tuples.count
        return tuples.map { tuple in byTuple[tuple].map { .connection($0) } ?? .unknown }
    }

    /// One drain of one chunk; the rows with their real ends, and what else is said of each.
    mutating func drain(
        _ translations: inout Translations, _ tuples: [ConnectionTuple], second: UInt32 = 0, isFull: Bool = false, flags: UInt32 = 0
    ) -> [(tuple: ConnectionTuple, row: RowTranslation)] {
        translations.begin(second: second, isFull: isFull)
        return look(&translations, tuples, flags: flags)
    }

    mutating func look(
        _ translations: inout Translations, _ tuples: [ConnectionTuple], flags: UInt32 = 0
    ) -> [(tuple: ConnectionTuple, row: RowTranslation)] {
        var rows = tuples.map { RowReaderTests.row($0, flags: flags) }
        translations.look(at: rows, rows.count)
        while !translations.questions.isEmpty { translations.learn(ask(translations.questions)) }
        translations.rewrite(&rows, rows.count)
        return zip(rows, translations.rows).map { ($0.tuple, $1) }
    }
}

extension TrackedConnection {
    /// How its packets look before this host and behind it.
    var views: [ConnectionTuple] { [original, original.inverse, reply, reply.inverse] }
}

extension RowReaderTests {
    static func row(_ tuple: ConnectionTuple, _ hook: flow_hook = FLOW_UPLINK_IN, cgroup: UInt64 = 0, flags: UInt32 = 0) -> capture_row {
        row(
            hook, tuple.source, tuple.destination, ports: (tuple.sourcePort, tuple.destinationPort), cgroup: cgroup, flags: flags,
            protocol: tuple.transport)
    }
}

@Suite
struct TranslationTests {
    static let none = IPAddress(high: 0, low: 0)
    static let client = address("10.0.0.7")
    static let service = address("10.96.0.10")
    static let backend = address("10.2.0.2")
    static let node = address("10.0.0.1")

    static func tuple(_ source: IPAddress, _ sourcePort: UInt16, _ destination: IPAddress, _ destinationPort: UInt16, _ transport: UInt8 = 6)
        -> ConnectionTuple
    { ConnectionTuple(source, sourcePort, destination, destinationPort, transport: transport) }

    /// The client dials the Service; the backend sees the client, or the node in its place.
    static func connection(_ port: UInt16 = 40_000, backend: IPAddress = backend, masquerade: IPAddress? = nil, _ transport: UInt8 = 6)
        -> TrackedConnection
    {
        TrackedConnection(
            original: tuple(client, port, service, 80, transport), reply: tuple(backend, 8080, masquerade ?? client, port, transport))
    }

    @Test("whichever of its four tuples is seen, in whatever order, a connection has the same two ends")
    func fourViews() throws {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        for _ in 0..<200 {
            var table = TranslationTable()
            var translations = Translations()
            for _ in 0..<Int.random(in: 1...60, using: &random) { _ = table.add(Self.randomConnection(&random)) }
            for second in 0..<4 as Range<UInt32> {
                // Some connections, some of their views, some more than once.
                var seen: [(TrackedConnection, ConnectionTuple)] = []
                for connection in table.connections {
                    for _ in 0..<Int.random(in: 0...5, using: &random) { seen.append((connection, connection.views.randomElement(using: &random)!)) }
                }
                seen.shuffle(using: &random)
                let before = table.questions
                let rows = table.drain(&translations, seen.map(\.1), second: second * 5)
                for ((connection, view), (tuple, row)) in zip(seen, rows) {
                    let (original, reply) = (connection.original, connection.reply)
                    let isThere = view == original || view == reply.inverse
                    let there = ConnectionTuple(
                        original.source, original.sourcePort, reply.source, reply.sourcePort, transport: original.transport)
                    #expect(tuple == (isThere ? there : there.inverse), "\(connection) seen as \(view), seed \(seed)")
                    #expect(row.answer == (connection.isTranslated ? .translated : .direct), "\(connection), seed \(seed)")
                    #expect(row.initiator == (isThere ? .source : .destination), "\(connection) seen as \(view), seed \(seed)")
                    #expect(row.service == (original.destination == reply.source ? Self.none : original.destination), "seed \(seed)")
                    if row.service != Self.none { #expect(row.serviceEnd == (isThere ? .destination : .source), "seed \(seed)") }
                }
                #expect(table.questions - before <= 2 * Set(seen.map { Set([$0.1, $0.1.inverse]) }).count, "seed \(seed)")
                let count = Int(translations.takeCount())
                #expect(table.questions == count + before, "seed \(seed)")
            }
        }
    }

    static func randomConnection(_ random: inout SplitMix64) -> TrackedConnection {
        let isIPv4 = Bool.random(using: &random)
        let transport: UInt8 = [6, 17, 132].randomElement(using: &random)!
        // Few of each, so that they meet.
        func host(_ random: inout SplitMix64) -> IPAddress {
            isIPv4
                ? IPAddress(ipv4: 0x0a00_0000 + .random(in: 1...9, using: &random))
                : IPAddress(high: 0xfd << 56, low: .random(in: 1...9, using: &random))
        }
        func port(_ random: inout SplitMix64) -> UInt16 { .random(in: 1...20, using: &random) }
        let original = tuple(host(&random), port(&random), host(&random), port(&random), transport)
        var reply = original.inverse
        if Bool.random(using: &random) { (reply.source, reply.sourcePort) = (host(&random), port(&random)) }
        if Bool.random(using: &random) { (reply.destination, reply.destinationPort) = (host(&random), port(&random)) }
        return TrackedConnection(original: original, reply: reply)
    }

    @Test("a tuple that is used again has its new backend at once with a handshake, else when the answer is old")
    func usedAgain() {
        let other = address("10.2.0.3")
        for flags in [FLOW_SYN.rawValue, 0] {
            var table = TranslationTable()
            var translations = Translations()
            let first = Self.connection()
            table.insert(first)
            #expect(table.drain(&translations, [first.original])[0].tuple.destination == Self.backend)
            table.forget(first)
            table.insert(Self.connection(backend: other))
            let again = table.drain(&translations, [first.original], second: 5, flags: flags)[0]
            #expect(again.tuple.destination == (flags == 0 ? Self.backend : other))
            let late = table.drain(&translations, [first.original], second: Translations.lifetime + 5)[0]
            #expect(late.tuple.destination == other)
        }
    }

    @Test("when the kernel has forgotten a connection, what was known of it stands for one more question, but not for another connection")
    func forgotten() {
        for (flags, later) in [(0, 2), (FLOW_SYN.rawValue, 1)] as [(UInt32, Int)] {
            var table = TranslationTable()
            var translations = Translations()
            let connection = Self.connection()
            table.insert(connection)
            _ = table.drain(&translations, [connection.reply])
            table.forget(connection)
            var answers: [RowTranslation.Answer] = []
            for turn in 1...3 as ClosedRange<UInt32> {
                answers.append(table.drain(&translations, [connection.reply], second: turn * Translations.lifetime, flags: flags)[0].row.answer)
            }
            let expected: [RowTranslation.Answer] = (1...3).map { $0 < later ? .translated : .unresolved(.notFound) }
            #expect(answers == expected)
        }
    }

    @Test("all looks at one row in one drain say the same, though the connection changes meanwhile")
    func oneDrain() {
        var table = TranslationTable()
        var translations = Translations()
        let first = Self.connection()
        table.insert(first)
        let survey = table.drain(&translations, [first.original], flags: FLOW_SYN.rawValue)
        table.forget(first)
        let read = table.look(&translations, [first.original, first.original.inverse], flags: FLOW_SYN.rawValue)
        #expect(survey[0].tuple == read[0].tuple)
        #expect(read[1].tuple == read[0].tuple.inverse)
    }

    @Test("what is not known keeps its ends and says why, and is asked again once at once, then when the answer is old")
    func unknown() {
        var table = TranslationTable()
        var translations = Translations()
        let late = Self.connection()
        func questions(second: UInt32, isFull: Bool = false) -> (Int, RowTranslation.Answer) {
            let before = table.questions
            let (tuple, row) = table.drain(&translations, [late.original], second: second, isFull: isFull)[0]
            if row.answer != .translated { #expect(tuple == late.original) }
            return (table.questions - before, row.answer)
        }
        #expect(questions(second: 0, isFull: true) == (2, .unresolved(.tableFull)))
        #expect(questions(second: 5) == (2, .unresolved(.notFound)))
        #expect(questions(second: 10) == (0, .unresolved(.notFound)))
        table.insert(late)
        #expect(questions(second: 5 + Translations.lifetime) == (1, .translated))
    }

    @Test("who opened a connection whose beginning the kernel did not see is not known, unless a rule translates it")
    func pickedUp() {
        var table = TranslationTable()
        var translations = Translations()
        let direct = Self.tuple(Self.client, 40_000, Self.node, 80)
        let connections = [
            TrackedConnection(original: direct, reply: direct.inverse, isPickedUp: true),
            TrackedConnection(original: Self.connection().original, reply: Self.connection().reply, isPickedUp: true),
        ]
        for connection in connections { table.insert(connection) }
        let rows = table.drain(&translations, connections.map(\.original) + [direct.inverse])
        #expect(rows.map(\.row.initiator) == [.unknown, .source, .unknown])
        #expect(rows.map(\.row.answer) == [.direct, .translated, .direct])
    }

    @Test("a question that fails is asked again in the next drain")
    func failed() {
        var table = TranslationTable()
        var translations = Translations()
        let connection = Self.connection()
        table.insert(connection)
        var rows = [RowReaderTests.row(connection.original)]
        translations.begin(second: 0)
        translations.look(at: rows, 1)
        translations.learn([.failed])
        translations.rewrite(&rows, 1)
        #expect(translations.rows == [RowTranslation(.unresolved(.failed))])
        #expect(rows[0].tuple == connection.original)
        #expect(table.drain(&translations, [connection.original])[0].row.answer == .translated)
    }

    @Test("beyond the limit rows keep their ends and say so, until the next turn")
    func limit() {
        var table = TranslationTable()
        var translations = Translations(limit: 10)
        let connections = (0..<15).map { Self.connection(UInt16(40_000 + $0)) }
        for connection in connections { table.insert(connection) }
        let first = table.drain(&translations, connections.map(\.original))
        let expected: [RowTranslation.Answer] = (0..<15).map { $0 < 10 ? .translated : .unresolved(.limit) }
        #expect(first.map(\.row.answer) == expected)
        // A drain that comes early has no questions of its own.
        #expect(table.drain(&translations, connections.map(\.original), second: 1).map(\.row.answer) == first.map(\.row.answer))
        let later = table.drain(&translations, connections.map(\.original), second: Translations.turn)
        #expect(later.allSatisfy { $0.row.answer == .translated })
        #expect(table.questions == 15)
    }

    @Test("memory is bounded, and what was forgotten is asked again")
    func bounded() {
        var table = TranslationTable()
        var translations = Translations(limit: 100_000, memory: 64)
        let connections = (0..<1000).map { Self.connection(UInt16(40_000 + $0)) }
        for connection in connections { table.insert(connection) }
        for second in 0..<3 as Range<UInt32> {
            let rows = table.drain(&translations, connections.map(\.original), second: second)
            #expect(rows.allSatisfy { $0.tuple.destination == Self.backend })
        }
        #expect(translations.dropped > 0)
    }

    @Test("what has no ports is not asked for")
    func noPorts() {
        var table = TranslationTable()
        var translations = Translations()
        let ping = Self.tuple(Self.client, 8, Self.service, 0, 1)
        #expect(table.drain(&translations, [ping])[0].row == RowTranslation(.unresolved(.noPorts)))
        #expect(table.questions == 0)
    }

    /// What sockets of this host see of a connection between two of them through a Service, with and without masquerade.
    @Test("between two sockets of this host a translated connection counts once, with both owners", arguments: [nil, node])
    func hairpin(masquerade: IPAddress?) {
        var table = TranslationTable()
        var translations = Translations()
        let connection = Self.connection(masquerade: masquerade)
        table.insert(connection)
        var rows = [
            RowReaderTests.row(connection.original, FLOW_SOCKET_OUT, cgroup: 11),
            RowReaderTests.row(connection.reply.inverse, FLOW_SOCKET_IN, cgroup: 22),
            RowReaderTests.row(connection.reply, FLOW_SOCKET_OUT, cgroup: 22),
            RowReaderTests.row(connection.original.inverse, FLOW_SOCKET_IN, cgroup: 11),
        ]
        translations.begin(second: 0)
        translations.look(at: rows, rows.count)
        while !translations.questions.isEmpty { translations.learn(table.ask(translations.questions)) }
        translations.rewrite(&rows, rows.count)
        var reader = RowReaderTests.reader()
        reader.begin()
        for row in rows { reader.survey(row) }
        var flows: [CapturedFlow] = []
        var book = KernelBook()
        let sum = reader.read(rows, rows.count, translations.rows, into: &flows, &book)
        #expect(flows.count == 2)
        #expect(sum == Amount(bytes: 200, packets: 2))
        #expect(book[.local] == Amount(bytes: 200, packets: 2))
        #expect(book.translations.translated == sum)
        #expect(flows.map(\.source) == [Self.client, Self.backend])
        #expect(flows.map(\.destination) == [Self.backend, Self.client])
        #expect(flows.map(\.sourceOwner) == [11, 22])
        #expect(flows.map(\.destinationOwner) == [22, 11])
        #expect(flows.map(\.service) == [Self.service, Self.service])
        #expect(flows.map(\.serviceEnd) == [.destination, .source])
        #expect(flows.allSatisfy { $0.observer == .both })
    }

    @Test("a connection that this host passes on in its own name is its own to count, its answers are not")
    func relayed() {
        for masquerade in [nil, Self.node] {
            var table = TranslationTable()
            var translations = Translations()
            let connection = Self.connection(masquerade: masquerade)
            table.insert(connection)
            var rows = [RowReaderTests.row(connection.original), RowReaderTests.row(connection.reply)]
            translations.begin(second: 0)
            translations.look(at: rows, rows.count)
            while !translations.questions.isEmpty { translations.learn(table.ask(translations.questions)) }
            translations.rewrite(&rows, rows.count)
            var plan = CapturePlan()
            plan.source = .tc
            var reader = RowReader(plan, source: .tc)
            var flows: [CapturedFlow] = []
            var book = KernelBook()
            _ = reader.read(rows, rows.count, translations.rows, into: &flows, &book)
            // Both ends are elsewhere. Another agent counts what the backend sends; who counts what it receives from a stranger
            // cannot know that this host's address hides one.
            #expect(flows.map(\.observer) == [masquerade == nil ? .transit : .destination, .transit])
        }
    }

    @Test("auto looks up real ends where connections are tracked, and says why where they are not")
    func choice() {
        #expect(!TranslationChoice(.auto, ConntrackFacts(tracked: nil)).isOn)
        #expect(!TranslationChoice(.auto, ConntrackFacts(tracked: 0)).isOn)
        #expect(TranslationChoice(.auto, ConntrackFacts(tracked: 1)).isOn)
        #expect(TranslationChoice(.on, ConntrackFacts(tracked: nil)).isOn)
        #expect(!TranslationChoice(.off, ConntrackFacts(tracked: 9)).isOn)
        var table = LinkTable()
        #expect(foreignTranslators(table).isEmpty)
        table.apply(.link(Link(index: 5, name: "cilium_host")))
        table.apply(.link(Link(index: 6, name: "bpfin.cali")))
        #expect(foreignTranslators(table).map { $0.contains("is Cilium") || $0.contains("is Calico's eBPF") } == [true, true])
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CWeirCapture
import Netlink
import Testing
import WeirCapture
import WeirKit
import WeirTesting

/// Who opened a connection, by whose word: no kernel needed.
@Suite
struct InitiatorTests {
    /// In falling order of trust.
    static let trust: [InitiatorSource] = [.handshake, .conntrack, .listener, .port, .none]

    /// What somebody says of a connection while one of its rows is read.
    private enum Word: CaseIterable {
        case syn, synAck, tracked, trackedBack, listener, listenerBack, nothing
    }

    private static func say(_ word: Word, _ memory: inout InitiatorMemory, _ row: capture_row) -> (Initiator, InitiatorSource) {
        var row = row
        switch word {
        case .syn: row.flags = FLOW_SYN.rawValue
        case .synAck: row.flags = FLOW_SYN_ACK.rawValue
        default: break
        }
        let tracked: Initiator = word == .tracked ? .source : word == .trackedBack ? .destination : .unknown
        let found = memory.initiator(of: row, tracked: tracked)
        guard word == .listener || word == .listenerBack, found.1 == .port || found.1 == .none else { return found }
        memory.learn(word == .listener ? .source : .destination, of: row)
        return memory.initiator(of: row)
    }

    private static func turned(_ initiator: Initiator) -> Initiator {
        switch initiator {
        case .source: .destination
        case .destination: .source
        case .unknown: .unknown
        }
    }

    @Test("either end's row has the same answer, it never falls back to a worse word, and changes for a better one alone")
    func trust() {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        for _ in 0..<2000 {
            var memory = InitiatorMemory()
            let transport: UInt8 = [6, 17, 132].randomElement(using: &random)!
            let (a, b) = (RowReaderTests.local, RowReaderTests.remote)
            let ports: (UInt16, UInt16) = (.random(in: 1...4, using: &random), .random(in: 1...4, using: &random))
            let rows = [
                RowReaderTests.row(FLOW_UPLINK_IN, a, b, ports: ports, protocol: transport),
                RowReaderTests.row(FLOW_UPLINK_IN, b, a, ports: (ports.1, ports.0), protocol: transport),
            ]
            var last: (opener: Initiator, source: InitiatorSource)?
            for _ in 0..<12 {
                let side = Int.random(in: 0...1, using: &random)
                let word = Word.allCases.randomElement(using: &random)!
                let (initiator, source) = Self.say(word, &memory, rows[side])
                let opener = side == 0 ? initiator : Self.turned(initiator)
                if let last {
                    let (before, now) = (Self.trust.firstIndex(of: last.source)!, Self.trust.firstIndex(of: source)!)
                    #expect(now <= before, "\(source) after \(last.source), seed \(seed)")
                    // A handshake that is seen is another connection's, with the same ends.
                    if now == before, source != .handshake { #expect(opener == last.opener, "\(word), seed \(seed)") }
                }
                let other = memory.initiator(of: rows[1 - side])
                #expect(other.1 == source && other.0 == Self.turned(initiator), "\(word), seed \(seed)")
                last = (opener, source)
            }
        }
    }

    @Test("each word by itself has its name, and none is remembered where there are no ports")
    func words() {
        let row = RowReaderTests.row(FLOW_MADE, RowReaderTests.local, RowReaderTests.remote, ports: (80, 40_000))
        for (word, expected) in [
            (.syn, (.source, .handshake)), (.synAck, (.destination, .handshake)), (.tracked, (.source, .conntrack)),
            (.listener, (.source, .listener)), (.nothing, (.destination, .port)),
        ] as [(Word, (Initiator, InitiatorSource))] {
            var memory = InitiatorMemory()
            #expect(Self.say(word, &memory, row) == expected)
        }
        var memory = InitiatorMemory()
        let ping = RowReaderTests.row(FLOW_MADE, RowReaderTests.local, RowReaderTests.remote, ports: (8, 0), protocol: 1)
        #expect(memory.initiator(of: ping, tracked: .source) == (.unknown, .none))
    }

    @Test("memory is bounded and says what it dropped; a flood of datagrams does not push out handshakes")
    func bounded() {
        var memory = InitiatorMemory()
        let seen = RowReaderTests.row(FLOW_MADE, RowReaderTests.local, RowReaderTests.remote, ports: (40_000, 80), flags: FLOW_SYN.rawValue)
        _ = memory.initiator(of: seen)
        for number in 0..<200_000 as Range<UInt32> {
            let row = RowReaderTests.row(
                FLOW_MADE, IPAddress(ipv4: 0x0a00_0000 + number), RowReaderTests.remote, ports: (40_000, 53), protocol: 17)
            _ = memory.initiator(of: row, tracked: .source)
        }
        #expect(memory.dropped >= 200_000 - 65_536)
        var later = seen
        later.flags = 0
        #expect(memory.initiator(of: later) == (.source, .handshake))
    }
}

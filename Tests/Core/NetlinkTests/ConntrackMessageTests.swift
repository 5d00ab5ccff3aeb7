// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Netlink
import Testing
import WeirKit
import WeirTesting

@Suite
struct ConntrackMessageTests {
    /// A UDP connection as Linux 6.18 described it: 10.1.0.2:40000 dials 10.96.0.10:80, which is translated to 10.2.0.2:8080, and is
    /// masqueraded as 10.2.0.1.
    static let answer: [UInt8] = [
        0xa4, 0, 0, 0, 0x00, 0x01, 0x00, 0x02, 7, 0, 0, 0, 0x95, 0x2b, 0, 0,  // nlmsghdr: length, IPCTNL_MSG_CT_NEW, flags, sequence, port id
        2, 0, 0, 0,  // nfgenmsg: AF_INET
        0x34, 0, 1, 0x80,  // CTA_TUPLE_ORIG
        0x14, 0, 1, 0x80, 8, 0, 1, 0, 10, 1, 0, 2, 8, 0, 2, 0, 10, 96, 0, 10,  // CTA_TUPLE_IP: from, to
        0x1c, 0, 2, 0x80, 5, 0, 1, 0, 17, 0, 0, 0, 6, 0, 2, 0, 0x9c, 0x40, 0, 0, 6, 0, 3, 0, 0, 0x50, 0, 0,  // CTA_TUPLE_PROTO: UDP, ports
        0x34, 0, 2, 0x80,  // CTA_TUPLE_REPLY
        0x14, 0, 1, 0x80, 8, 0, 1, 0, 10, 2, 0, 2, 8, 0, 2, 0, 10, 2, 0, 1,
        0x1c, 0, 2, 0x80, 5, 0, 1, 0, 17, 0, 0, 0, 6, 0, 2, 0, 0x1f, 0x90, 0, 0, 6, 0, 3, 0, 0x9c, 0x40, 0, 0,
        8, 0, 3, 0, 0, 0, 1, 0xba, 8, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0x0c, 0, 0xfe, 0x91, 0xd3, 0x43,  // status, mark, id
        8, 0, 0x0b, 0, 0, 0, 0, 2, 8, 0, 7, 0, 0, 0, 0, 0x1d,  // use, timeout
    ]

    static let connection = TrackedConnection(
        original: ConnectionTuple(IPAddress("10.1.0.2")!, 40_000, IPAddress("10.96.0.10")!, 80, transport: 17),
        reply: ConnectionTuple(IPAddress("10.2.0.2")!, 8080, IPAddress("10.2.0.1")!, 40_000, transport: 17))

    static func read(_ bytes: [UInt8]) -> [ConntrackMessage] {
        var found: [ConntrackMessage] = []
        ConntrackMessage.read(bytes.span) { found.append($0) }
        return found
    }

    @Test("a connection is read as the kernel wrote it")
    func connection() {
        let expected = ConntrackMessage(sequence: 7, content: .connection(Self.connection))
        #expect(Self.read(Self.answer) == [expected])
        #expect(Self.read(Self.answer + Self.answer) == [expected, expected])
        #expect(Self.connection.isTranslated)
        #expect(!TrackedConnection(original: Self.connection.original, reply: Self.connection.original.inverse).isTranslated)
    }

    @Test("TCP that is taken as it comes in both directions was picked up on its way")
    func pickedUp() {
        // CTA_PROTOINFO, CTA_PROTOINFO_TCP: state, flags and mask of either direction.
        func answer(_ flags: UInt8, _ reply: UInt8) -> [UInt8] {
            let state: [UInt8] = [
                0x20, 0, 4, 0x80, 0x1c, 0, 1, 0x80, 5, 0, 1, 0, 3, 0, 0, 0, 6, 0, 4, 0, flags, 0, 0, 0, 6, 0, 5, 0, reply, 0, 0, 0,
            ]
            var bytes = Self.answer + state
            bytes[0] += UInt8(state.count)
            return bytes
        }
        var expected = Self.connection
        for (flags, reply, isPickedUp) in [(0x0a, 0x0a, true), (0x08, 0x03, false), (0x23, 0x08, false), (0x23, 0x27, false)]
            as [(UInt8, UInt8, Bool)]
        {
            expected.isPickedUp = isPickedUp
            #expect(Self.read(answer(flags, reply)) == [ConntrackMessage(sequence: 7, content: .connection(expected))])
        }
    }

    @Test("a message that is cut anywhere is no message")
    func cut() {
        for length in 0..<Self.answer.count { #expect(Self.read(Array(Self.answer.prefix(length))).isEmpty, "\(length) bytes") }
    }

    @Test("an unknown connection is an error with the number of its question")
    func unknown() {
        // NLMSG_ERROR, -ENOENT, then the head of the question.
        let error: [UInt8] = [36, 0, 0, 0, 2, 0, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff] + [UInt8](repeating: 0, count: 16)
        #expect(Self.read(error) == [ConntrackMessage(sequence: 9, content: .error(2))])
    }

    @Test("the counts of CPUs are read")
    func counts() {
        var expected = ConntrackCounts()
        expected.dropped = 3
        expected.earlyDropped = 0x01020304
        let message: [UInt8] = [
            36, 0, 0, 0, 0x04, 0x01, 2, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 8, 0, 10, 0, 0, 0, 0, 3, 8, 0, 11, 0, 1, 2, 3, 4,
        ]
        #expect(Self.read(message) == [ConntrackMessage(sequence: 5, content: .counts(expected))])
    }

    @Test("a question is what the kernel understands: its tuple stands where the answer has it")
    func question() {
        var questions = ConntrackMessage.Questions()
        questions.append(Self.connection.original, sequence: 7)
        // The tuple, byte by byte as in the kernel's own answer.
        #expect(questions.bytes == [72, 0, 0, 0, 1, 1, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0] + Self.answer[16..<72])
        // Put in place of both tuples of an answer, a question's own bytes are read as what was asked, whatever the addresses.
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        for _ in 0..<1000 {
            let tuple = Self.randomTuple(&random)
            questions.removeAll()
            questions.append(tuple, sequence: 1)
            let asked = Array(questions.bytes[20...])
            let length = UInt8(20 + 2 * asked.count)
            let head: [UInt8] = [length, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]
            // The second tuple is the first as CTA_TUPLE_REPLY.
            var message = head + asked + asked
            message[head.count + asked.count + 2] = 2
            let expected = ConntrackMessage(sequence: 1, content: .connection(TrackedConnection(original: tuple, reply: tuple)))
            #expect(Self.read(message) == [expected], "seed \(seed)")
        }
    }

    static func randomTuple(_ random: inout SplitMix64) -> ConnectionTuple {
        let isIPv4 = Bool.random(using: &random)
        func address(_ random: inout SplitMix64) -> IPAddress {
            isIPv4 ? IPAddress(ipv4: .random(in: .min ... .max, using: &random)) : IPAddress(high: random.next() | 1 << 63, low: random.next())
        }
        return ConnectionTuple(
            address(&random), .random(in: .min ... .max, using: &random), address(&random), .random(in: .min ... .max, using: &random),
            transport: .random(in: .min ... .max, using: &random))
    }
}

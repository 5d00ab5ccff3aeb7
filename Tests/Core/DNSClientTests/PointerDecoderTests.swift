// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import DNSClient
import ScriptedDNS
import Testing
import WeirKit
import WeirTesting

private let question = "4.0.0.10.in-addr.arpa"

private func decode(_ reply: DNSReply) -> PointerAnswer {
    PointerDecoder.answer(in: reply.message(to: DNSReply.question(question)), to: question)
}

@Suite("dnsclient: what a message says")
struct PointerDecoderTests {
    @Test("names come in lower case, without the last dot, each once, in order; the shortest time counts")
    func names() {
        let reply = DNSReply(answers: [.pointer("B.Example", ttl: 300), .pointer("a.example", ttl: 600), .pointer("b.example", ttl: 900)])
        #expect(decode(reply) == .names(["a.example", "b.example"], refused: 0, ttl: .seconds(300)))
    }

    @Test("an alias leads to the pointer, and its time counts too")
    func alias() {
        let target = "4.0-15.0.0.10.in-addr.arpa"
        let reply = DNSReply(answers: [.alias(target, ttl: 60), .pointer("vm.example", ttl: 600, name: target.uppercased())])
        #expect(decode(reply) == .names(["vm.example"], refused: 0, ttl: .seconds(60)))
    }

    @Test("aliases in a circle, or more than eight, lead nowhere")
    func manyAliases() {
        #expect(decode(DNSReply(answers: [.alias(question), .pointer("x.example", name: "other.example")])) == PointerAnswer.none(ttl: nil))
        func chain(_ count: Int) -> DNSReply {
            let names = (0...count).map { $0 == 0 ? question : "a\($0).example" }
            let aliases = (0..<count).map { DNSReply.Record.alias(names[$0 + 1], name: names[$0]) }
            return DNSReply(answers: aliases + [.pointer("vm.example", name: names[count])])
        }
        #expect(decode(chain(8)) == .names(["vm.example"], refused: 0, ttl: .seconds(600)))
        #expect(decode(chain(9)) == PointerAnswer.none(ttl: nil))
    }

    @Test("records of other names and other types are not the answer")
    func strangers() {
        var other = DNSReply.Record.pointer("chaos.example")
        other.recordClass = 3
        let reply = DNSReply(answers: [
            .pointer("else.example", name: "5.0.0.10.in-addr.arpa"), .init(type: 16, ttl: 5, data: [3, 1, 2, 3]), other, .pointer("vm.example"),
        ])
        #expect(decode(reply) == .names(["vm.example"], refused: 0, ttl: .seconds(600)))
    }

    @Test(
        "what is no host name is refused and counted",
        arguments: ["a b.example", "\u{1b}[31m.example", "10.0.0.7", "ex\"ample", "münchen.example", ""])
    func hostile(_ name: String) {
        #expect(decode(.names(name, "vm.example")) == .names(["vm.example"], refused: 1, ttl: .seconds(600)))
        #expect(decode(.names(name)) == .names([], refused: 1, ttl: .seconds(600)))
    }

    @Test("a dot within a label is no dot between labels")
    func dotInLabel() {
        let reply = DNSReply(answers: [.init(type: 12, ttl: 600, data: [3] + Array("a.b".utf8) + [7] + Array("example".utf8) + [0])])
        #expect(decode(reply) == .names([], refused: 1, ttl: .seconds(600)))
    }

    @Test("no such name stands as long as the zone says, whichever of its two times is shorter")
    func negative() {
        #expect(decode(DNSReply(code: 3, authorities: [.authority(ttl: 900, minimum: 60)])) == PointerAnswer.none(ttl: .seconds(60)))
        #expect(decode(DNSReply(code: 3, authorities: [.authority(ttl: 30, minimum: 60)])) == PointerAnswer.none(ttl: .seconds(30)))
        #expect(decode(DNSReply(code: 0, authorities: [.authority(ttl: 900, minimum: 60)])) == PointerAnswer.none(ttl: .seconds(60)))
        #expect(decode(DNSReply(code: 3)) == PointerAnswer.none(ttl: nil))
        // "No such name" and a name contradict each other: the code counts.
        #expect(decode(DNSReply(code: 3, answers: [.pointer("vm.example")])) == PointerAnswer.none(ttl: nil))
    }

    @Test("complaints are told apart")
    func complaints() {
        #expect(decode(DNSReply(code: 2)) == .failed(.servfail))
        #expect(decode(DNSReply(code: 1)) == .failed(.servfail))
        #expect(decode(DNSReply(code: 9)) == .failed(.servfail))
        #expect(decode(DNSReply(code: 4)) == .failed(.refused))
        #expect(decode(DNSReply(code: 5)) == .failed(.refused))
    }

    @Test("times of 68 years are times; longer ones are none, as RFC 2181 has it")
    func times() {
        #expect(decode(.names("vm.example", ttl: 0x7fff_ffff)) == .names(["vm.example"], refused: 0, ttl: .seconds(0x7fff_ffff)))
        #expect(decode(.names("vm.example", ttl: 0xffff_ffff)) == .names(["vm.example"], refused: 0, ttl: .zero))
    }

    @Test("an answer to another question, a question, and a message without its end cannot be read")
    func malformed() {
        let right = DNSReply.names("vm.example").message(to: DNSReply.question(question))
        #expect(PointerDecoder.answer(in: right, to: "5.0.0.10.in-addr.arpa") == .failed(.malformed))
        #expect(PointerDecoder.answer(in: DNSReply.question(question), to: question) == .failed(.malformed))
        for count in 0..<right.count {
            #expect(PointerDecoder.answer(in: Array(right[..<count]), to: question) == .failed(.malformed), "\(count) bytes")
        }
    }

    @Test("a name that points at itself or forward ends", arguments: [[0xc0, 39] as [UInt8], [0xc0, 41], [1, 97, 0xc0, 39], [0xff, 0xff]])
    func circles(_ data: [UInt8]) {
        // The answer's data begins at byte 51.
        let start = DNSReply.names("x").message(to: DNSReply.question(question)).count - 3
        let reply = DNSReply(answers: [.init(type: 12, ttl: 1, data: data.map { $0 == 39 ? UInt8(start) : $0 == 41 ? UInt8(start + 2) : $0 })])
        #expect(decode(reply) == .failed(.malformed))
    }

    /// A message whose question is followed by a record that nobody wants, whose data are `count` pointers, each to the one before and the
    /// first to the question's name; then by `records` whose name begins at the last of them.
    private func chain(of count: Int, records: Int) -> [UInt8] {
        let asked = DNSReply.question(question)
        let start = asked.count + 12
        let data = (0..<count).flatMap { pointer(to: $0 == 0 ? 12 : start + 2 * ($0 - 1)) }
        var bytes = DNSReply(answers: [.init(type: 16, ttl: 0, data: data)]).message(to: asked)
        for _ in 0..<records { bytes += pointer(to: start + 2 * (count - 1)) + [0, 16, 0, 1, 0, 0, 0, 0, 0, 0] }
        (bytes[6], bytes[7]) = (UInt8((1 + records) >> 8), UInt8((1 + records) & 0xff))
        return bytes
    }

    private func pointer(to offset: Int) -> [UInt8] { [0xc0 | UInt8(offset >> 8), UInt8(offset & 0xff)] }

    @Test("a name has at most 127 pointers, so that a message of 64 KB whose every name has thousands is refused at the first")
    func pointers() {
        #expect(PointerDecoder.answer(in: chain(of: 126, records: 1), to: question) == PointerAnswer.none(ttl: nil))
        #expect(PointerDecoder.answer(in: chain(of: 127, records: 1), to: question) == .failed(.malformed))
        let hostile = chain(of: 8000, records: 4120)
        #expect(hostile.count > 65_400 && hostile.count <= 65_535)
        #expect(PointerDecoder.answer(in: hostile, to: question) == .failed(.malformed))
    }

    @Test("random damage to a right message never traps, and names stay host names", arguments: [SplitMix64.freshSeed])
    func damage(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let right = DNSReply(
            answers: [.alias("x.example"), .pointer("a.example", name: "x.example")], authorities: [.authority(ttl: 1, minimum: 2)]
        ).message(to: DNSReply.question(question))
        for _ in 0..<20_000 {
            var bytes = right
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            if case .names(let names, _, let ttl) = PointerDecoder.answer(in: bytes, to: question) {
                #expect(names.allSatisfy { HostName.normalized($0) == $0 }, "seed \(seed)")
                #expect(ttl >= .zero)
            }
        }
    }
}

@Suite("dnsclient: names")
struct NameTests {
    @Test("the question for an address")
    func questions() {
        #expect(PointerName.text(of: IPAddress("192.0.2.5")!) == "5.2.0.192.in-addr.arpa")
        #expect(
            PointerName.text(of: IPAddress("2001:db8::567:89ab")!)
                == "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")
        #expect(PointerName.text(of: IPAddress("255.255.255.255")!).utf8.count == 28)
    }

    @Test("host names: at most 253 bytes, labels of 1 to 63 of letters, digits, - and _, and the last not a number")
    func hostNames() {
        #expect(HostName.normalized("Www.Example.COM.") == "www.example.com")
        #expect(HostName.normalized("_srv.example") == "_srv.example")
        #expect(HostName.normalized("localhost") == "localhost")
        for bad in ["", ".", "a..b", ".a", "a b", "a/b", "1.2.3.4", "host.7", "a.example..", String(repeating: "a", count: 64) + ".b"] {
            #expect(HostName.normalized(bad) == nil, "\(bad)")
        }
        let long = Array(repeating: String(repeating: "a", count: 63), count: 3).joined(separator: ".")
        #expect(HostName.normalized(long + "." + String(repeating: "b", count: 61)) != nil)
        #expect(HostName.normalized(long + "." + String(repeating: "b", count: 62)) == nil)
    }

    @Test(
        "servers are read as they are written",
        arguments: ["192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"])
    func servers(_ text: String) { #expect(DNSServer(text)?.description == text) }

    @Test(
        "what is no server is refused",
        arguments: [
            "", "dns.example", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:65536", "192.0.2.53:+1", "2001:db8::53]:53", "1.2.3:53", "192.0.2.53:53:53",
        ])
    func noServers(_ text: String) { #expect(DNSServer(text) == nil) }
}

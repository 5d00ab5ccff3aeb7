// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import DNSClient
import FileTree
import Glibc
import ScriptedDNS
import Testing
import WeirKit
import WeirTesting

private let address = IPAddress(ipv4: 0xcb00_7105)  // 203.0.113.5
private let question = "5.113.0.203.in-addr.arpa"

private func client(_ servers: ScriptedDNS..., timeout: Duration = .milliseconds(300), tries: Int = 2, maxOpen: Int = 64) -> DNSClient {
    client(of: servers, timeout: timeout, tries: tries, maxOpen: maxOpen)
}

private func client(of servers: [ScriptedDNS], timeout: Duration, tries: Int, maxOpen: Int = 64) -> DNSClient {
    var options = DNSClientOptions()
    options.servers = servers.map { DNSServer(IPAddress(ipv4: 0x7f00_0001), port: $0.port) }
    options.timeout = timeout
    options.tries = tries
    options.maxOpen = maxOpen
    return DNSClient(options)
}

private let vm = PointerAnswer.names(["vm.example"], refused: 0, ttl: .seconds(600))

@Suite("dnsclient: over the wire, against a server that does what the test says", .timeLimit(.minutes(1)))
struct DNSClientTests {
    @Test("a right answer, of both families")
    func right() async throws {
        let server = try await ScriptedDNS { [.reply(.names("VM.example."), to: $0)] }
        let client = client(server)
        #expect(await client.pointer(of: address) == PointerReply(vm, messages: 1))
        #expect(await client.pointer(of: IPAddress("2001:db8::5")!) == PointerReply(vm, messages: 1))
        #expect(server.questions.map(\.name) == [question, PointerName.text(of: IPAddress("2001:db8::5")!)])
    }

    @Test("no such name, with the time that the zone gives")
    func negative() async throws {
        let server = try await ScriptedDNS { [.reply(DNSReply(code: 3, authorities: [.authority(ttl: 900, minimum: 77)]), to: $0)] }
        #expect(await client(server).pointer(of: address) == PointerReply(.none(ttl: .seconds(77)), messages: 1))
    }

    @Test("the only server's complaint is not repeated", arguments: [(UInt8(2), DNSFailure.servfail), (5, .refused), (4, .refused), (1, .servfail)])
    func complaint(_ code: UInt8, _ failure: DNSFailure) async throws {
        let server = try await ScriptedDNS { [.reply(DNSReply(code: code), to: $0)] }
        #expect(await client(server).pointer(of: address) == PointerReply(.failed(failure), messages: 1))
        #expect(server.questions.count == 1)
    }

    @Test("silence is asked again, as often as allowed, then given up in time", arguments: 1...3)
    func silence(_ tries: Int) async throws {
        let server = try await ScriptedDNS { _ in [] }
        let start = ContinuousClock.now
        #expect(await client(server, tries: tries).pointer(of: address) == PointerReply(.failed(.timeout), messages: tries))
        let took = ContinuousClock.now - start
        #expect(took >= .milliseconds(295) * tries && took < .milliseconds(300) * tries + .seconds(2), "\(took)")
        #expect(server.questions.count == tries)
    }

    @Test("the second server is asked when the first fails, and asked first from then on")
    func failover() async throws {
        for isSilent in [true, false] {
            let first = try await ScriptedDNS { isSilent ? [] : [.reply(DNSReply(code: 2), to: $0)] }
            let second = try await ScriptedDNS { [.reply(.names("vm.example"), to: $0)] }
            let client = client(first, second)
            #expect(await client.pointer(of: address) == PointerReply(vm, messages: 2))
            #expect(await client.pointer(of: address) == PointerReply(vm, messages: 1))
            #expect(first.questions.count == 1)
            #expect(second.questions.count == 2)
        }
    }

    @Test("whoever answers is found, however many before it are silent, refuse, or are not there, and however few messages a question has")
    func found() async throws {
        for way in ["silent", "refusing", "gone"] {
            for (bad, tries) in [(1, 1), (2, 2), (3, 2), (7, 3)] {
                var servers: [ScriptedDNS] = []
                for _ in 0..<bad { servers.append(try await ScriptedDNS(tcp: false) { way == "silent" ? [] : [.reply(DNSReply(code: 5), to: $0)] }) }
                let good = try await ScriptedDNS { [.reply(.names("vm.example"), to: $0)] }
                let asker = client(of: servers + [good], timeout: .milliseconds(100), tries: tries)
                if way == "gone" { for server in servers { await server.stop() } }
                // Each question finds out about as many as it has messages.
                for _ in 0..<bad / tries { #expect(await asker.pointer(of: address).messages == tries) }
                #expect(await asker.pointer(of: address) == PointerReply(vm, messages: bad % tries + 1), "\(way): \(bad), \(tries)")
                #expect(await asker.pointer(of: address) == PointerReply(vm, messages: 1), "\(way): \(bad), \(tries)")
            }
        }
    }

    @Test("questions that were on their way to a silent server do not lead away from the one that answers")
    func lateSilences() async throws {
        let first = try await ScriptedDNS { _ in [] }
        let second = try await ScriptedDNS { [.reply(DNSReply(code: 5), to: $0)] }
        let good = try await ScriptedDNS { [.reply(.names("vm.example"), to: $0)] }
        let asker = client(of: [first, second, good], timeout: .milliseconds(200), tries: 1)
        // Their silences end one after the other, when the third has been found.
        let late = Task {
            await withTaskGroup { group in
                for step in 0..<40 {
                    group.addTask {
                        try? await Task.sleep(for: .milliseconds(5 * step))
                        _ = await asker.pointer(of: address)
                    }
                }
            }
        }
        for _ in 0..<10 where good.questions.isEmpty { _ = await asker.pointer(of: address) }
        for _ in 0..<20 {
            #expect(await asker.pointer(of: address) == PointerReply(vm, messages: 1))
            try await Task.sleep(for: .milliseconds(10))
        }
        await late.value
    }

    @Test("a port where nobody listens is unreachable, at once")
    func nobody() async throws {
        let server = try await ScriptedDNS(tcp: false) { _ in [] }
        let client = client(server, timeout: .seconds(20))
        await server.stop()
        let start = ContinuousClock.now
        #expect(await client.pointer(of: address) == PointerReply(.failed(.unreachable), messages: 2))
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test("a truncated answer is fetched over TCP")
    func truncated() async throws {
        let server = try await ScriptedDNS { question in
            question.isTCP
                ? [.reply(DNSReply(answers: (0..<500).map { .pointer("vm\($0).example") }), to: question)]
                : [.reply(DNSReply(isTruncated: true), to: question)]
        }
        guard case .names(let names, 0, .seconds(600)) = await client(server).pointer(of: address).answer else {
            Issue.record("no names")
            return
        }
        #expect(names.count == 500)
        #expect(server.questions.map(\.isTCP) == [false, true])
    }

    @Test("truncated without TCP behind it, or with a TCP that closes or hangs, costs this question alone", arguments: ["none", "close", "hang"])
    func truncatedInVain(_ way: String) async throws {
        let server = try await ScriptedDNS(tcp: way != "none") { asked in
            if asked.name != question { return [.wait(.milliseconds(100)), .reply(.names("vm.example"), to: asked)] }
            return asked.isTCP ? (way == "close" ? [.close] : []) : [.reply(DNSReply(isTruncated: true), to: asked)]
        }
        let client = client(server)
        async let other = client.pointer(of: IPAddress("203.0.113.6")!)
        guard case .failed(let failure) = await client.pointer(of: address).answer else {
            Issue.record("an answer came from nowhere")
            return
        }
        #expect(failure == (way == "hang" ? .timeout : .unreachable))
        #expect(await other == PointerReply(vm, messages: 1))
    }

    @Test("answers that are not ours are not taken: another id, another question, another name in it")
    func lies() async throws {
        let server = try await ScriptedDNS { question in
            var wrongID = DNSReply.names("liar.example").message(to: question.bytes)
            wrongID[0] ^= 0xff
            let wrongQuestion = DNSReply.names("liar.example").message(
                to: DNSReply.question("9.9.9.9.in-addr.arpa", id: UInt16(question.bytes[0]) << 8 | UInt16(question.bytes[1])))
            return [
                .send(wrongID), .send(wrongQuestion), .send([1, 2, 3]), .send([]), .wait(.milliseconds(50)),
                .reply(.names("vm.example"), to: question),
            ]
        }
        #expect(await client(server).pointer(of: address) == PointerReply(vm, messages: 1))
    }

    @Test("an answer that cannot be read is malformed, not a silence")
    func junk() async throws {
        let server = try await ScriptedDNS { question in
            var bytes = DNSReply.names("vm.example").message(to: question.bytes)
            bytes.removeLast(3)
            return [.send(bytes)]
        }
        #expect(await client(server).pointer(of: address).answer == .failed(.malformed))
    }

    @Test("aliases and times of forever arrive as the decoder reads them")
    func alias() async throws {
        let server = try await ScriptedDNS { question in
            [.reply(DNSReply(answers: [.alias("x.example"), .pointer("vm.example", ttl: .max, name: "x.example")]), to: question)]
        }
        #expect(await client(server).pointer(of: address).answer == .names(["vm.example"], refused: 0, ttl: .zero))
    }

    @Test("a cancelled question ends at once, and an answer that comes later hurts nobody")
    func cancelled() async throws {
        let server = try await ScriptedDNS { [.wait(.milliseconds(200)), .reply(.names("vm.example"), to: $0)] }
        let client = client(server, timeout: .seconds(20))
        let asking = Task { await client.pointer(of: address) }
        while server.questions.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        let start = ContinuousClock.now
        asking.cancel()
        #expect(await asking.value == PointerReply(.failed(.cancelled), messages: 0))
        #expect(ContinuousClock.now - start < .milliseconds(150))
        // One that was cancelled before it began is not sent.
        let before = Task {
            // The task cancels itself: there is no other way to be earlier than its first line.
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return await client.pointer(of: address)
        }
        #expect(await before.value.answer == .failed(.cancelled))
        try await Task.sleep(for: .milliseconds(300))
        #expect(await client.pointer(of: address).answer == vm)
        #expect(server.questions.count == 2)
    }

    @Test("more questions than may be open are busy, and hundreds at once all find their own answers")
    func many() async throws {
        let server = try await ScriptedDNS { question in
            [.wait(.milliseconds(20)), .reply(.names("h\(question.name.split(separator: ".")[0]).example"), to: question)]
        }
        let client = client(server, timeout: .seconds(10), maxOpen: 200)
        let answers = await withTaskGroup(of: (Int, PointerAnswer).self) { group in
            for host in 0..<250 { group.addTask { (host, await client.pointer(of: IPAddress(ipv4: 0xcb00_7100 + UInt32(host))).answer) } }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(answers.values.count { $0 == .failed(.busy) } == 50)
        for (host, answer) in answers where answer != .failed(.busy) {
            #expect(answer == .names(["h\(host).example"], refused: 0, ttl: .seconds(600)))
        }
    }

    @Test("clients come and go without leaving threads or descriptors", .timeLimit(.minutes(1)))
    func comeAndGo() async throws {
        let server = try await ScriptedDNS { asked in
            switch asked.bytes[1] % 3 {
            case 0: asked.isTCP ? [.reply(.names("vm.example"), to: asked)] : [.reply(DNSReply(isTruncated: true), to: asked)]
            case 1: [.reply(.names("vm.example"), to: asked)]
            default: []
            }
        }
        var most = 0
        func one() async {
            let client = client(server, timeout: .milliseconds(5), tries: 1)
            _ = await client.pointer(of: address)
            most = max(most, OwnProcess.threads(named: "weir-dns"))
        }
        await one()
        let before = OwnProcess.descriptors
        for _ in 0..<500 { await one() }
        #expect(most > 0, "the name is not the thread's")
        // Other tests of this suite may run beside this one and have clients of their own; what each client leaves would be 500.
        func isCalm() -> Bool { OwnProcess.threads(named: "weir-dns") < 25 && OwnProcess.descriptors < before + 100 }
        for _ in 0..<500 where !isCalm() { try await Task.sleep(for: .milliseconds(10)) }
        #expect(isCalm(), "\(OwnProcess.threads(named: "weir-dns")) threads, \(OwnProcess.descriptors - before) descriptors more")
    }

    @Test("random answers, cuts and cancellations: every question ends exactly once")
    func storm() async throws {
        let server = try await ScriptedDNS { question in
            switch question.bytes[1] % 6 {
            case 0: return []
            case 1: return [.send(Array(question.bytes.prefix(20)))]
            case 2: return [.reply(DNSReply(code: question.bytes[0] & 15), to: question)]
            case 3: return [.reply(DNSReply(isTruncated: true), to: question)]
            default: return [.wait(.milliseconds(Int(question.bytes[0] % 64))), .reply(.names("vm.example"), to: question)]
            }
        }
        let client = client(server, timeout: .milliseconds(100))
        await withTaskGroup { group in
            for host in 0..<400 {
                group.addTask {
                    let asking = Task { await client.pointer(of: IPAddress(ipv4: 0xcb00_0000 + UInt32(host))) }
                    if host % 3 == 0 {
                        try? await Task.sleep(for: .microseconds(host * 50))
                        asking.cancel()
                    }
                    _ = await asking.value
                }
            }
        }
        // The thread is well after all that.
        let calm = try await ScriptedDNS { [.reply(.names("vm.example"), to: $0)] }
        #expect(await DNSClientTests.one(calm) == vm)
    }

    private static func one(_ server: ScriptedDNS) async -> PointerAnswer { await client(server).pointer(of: address).answer }

    @Test("without configured servers the system's are known, as resolv.conf has them, eight at most")
    func systemServers() throws {
        let lines = String(decoding: try FileTree.read("/etc/resolv.conf", limit: 1 << 16), as: UTF8.self).split(separator: "\n")
        let words = lines.map { $0.split { $0 == " " || $0 == "\t" } }.filter { $0.first == "nameserver" && $0.count > 1 }
        // The scope of an address is not kept.
        let written = words.compactMap { DNSServer(String($0[1].prefix { $0 != "%" })) }
        // Without any, c-ares asks this host.
        let expected = written.isEmpty ? [DNSServer("127.0.0.1")!] : Array(written.prefix(DNSClientOptions.maxServers))
        #expect(DNSClient.systemServers == expected)
    }

    @Test("the thread takes no signal but the processor's own, which must end the process with its report")
    func signals() async throws {
        let server = try await ScriptedDNS { [.reply(.names("vm.example"), to: $0)] }
        let client = client(server)
        _ = await client.pointer(of: address)
        let blocked = try #require(OwnProcess.signalsBlocked(byThread: "weir-dns"))
        #expect(blocked.isSuperset(of: [SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGCHLD, SIGUSR1, SIGALRM].map(Int.init)))
        #expect(blocked.isDisjoint(with: [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT].map(Int.init)))
        withExtendedLifetime(client) {}
    }
}

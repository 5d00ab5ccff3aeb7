// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Testing
internal import WeirHost
internal import WeirKit
internal import WeirPipeline
internal import WeirTesting

/// The agent's side of `weir tap`, over real sockets.
@Suite("tap: the agent's side", .timeLimit(.minutes(5)))
struct TapTests {
    private static let flows = [CapturedFlow("10.0.0.4", "10.0.0.5", bytes: 7), CapturedFlow("10.0.0.5", "10.0.0.9", bytes: 5)]

    @Test("a client is told what follows, then gets each record as a line")
    func records() async throws {
        var fixture = try TapFixture()
        let client = try await fixture.client()
        let header = client.lines(1).first ?? ""
        #expect(header.hasPrefix("{\"weir_tap\":1,\"version\":\"0.1.0\",\"window\":\"5s\",\"columns\":[\"src.address\",\"dst.address\","))
        #expect(header.contains("\"not_captured\":[") && header.contains("\"src.port\""))
        fixture.pipeline.window(Self.flows)
        #expect(
            client.lines(2) == [
                """
                {"time":"1970-01-01T00:16:45.000Z","src.address":"10.0.0.4","dst.address":"10.0.0.5","src.zone":"a","dst.zone":"b","observer":"source",\
                "network.type":"ipv4","bytes":7,"packets":1}
                """,
                """
                {"time":"1970-01-01T00:16:45.000Z","src.address":"10.0.0.5","dst.address":"10.0.0.9","src.zone":"b","observer":"source",\
                "network.type":"ipv4","bytes":5,"packets":1}
                """,
            ])
        #expect(await fixture.wait("delivered_records_total", for: 2))
    }

    @Test("an explanation says who answered, who would have, and who had no answer")
    func explains() async throws {
        var fixture = try TapFixture("metrics: { network.flow.bytes: [src.zone, dst.zone, dst.owner.name] }")
        let client = try await fixture.client("{\"weir_tap\":1,\"columns\":[\"*.zone\",\"dst.owner.name\",\"observer\"],\"explain\":true}")
        fixture.pipeline.window(Self.flows)
        let lines = client.lines(3).dropFirst().map { $0.drop { $0 != "," } }
        #expect(
            lines == [
                """
                ,"src.zone":"a","dst.zone":"b","dst.owner.name":"(private)","observer":"source","bytes":7,"packets":1,"explain":\
                {"src.zone":{"by":"first","also":["second"]},"dst.zone":{"by":"second"},"dst.owner.name":{"by":"weir"}}}
                """,
                """
                ,"src.zone":"b","dst.owner.name":"(private)","observer":"source","bytes":5,"packets":1,"explain":\
                {"src.zone":{"by":"second"},"dst.zone":{"asked":["first","second"]},"dst.owner.name":{"by":"weir"}}}
                """,
            ])
    }

    @Test(
        "a filter and columns are the configuration's",
        arguments: [
            (
                "{\"weir_tap\":1,\"filter\":\"dst.zone == \\\"b\\\"\",\"columns\":[\"src_zone\",\"bytes\"]}",
                ",\"src.zone\":\"a\",\"bytes\":7,\"packets\":1}"
            ),
            (
                " { \"columns\" : [ \"dst.z*\" ], \"explain\": false , \"filter\": \"dst.address in 10.0.0.5/32\", \"weir_tap\": 1 } ",
                ",\"dst.zone\":\"b\",\"bytes\":7,\"packets\":1}"
            ),
        ])
    func filters(_ request: String, _ expected: String) async throws {
        var fixture = try TapFixture()
        let client = try await fixture.client(request)
        fixture.pipeline.window(Self.flows)
        #expect(await fixture.wait("delivered_records_total", for: 1))
        #expect(client.lines(2).last?.drop { $0 != "," } == expected[...])
    }

    @Test(
        "what is no request, or cannot be had, is refused with a sentence, and the place is free again",
        arguments: [
            ("{\"weir_tap\":1,\"filter\":\"src.zon == 1\"}", "\"reason\":\"filter\",\"column\":1}", "unknown attribute 'src.zon'; did you mean"),
            ("{\"weir_tap\":1,\"filter\":\"observer == \\\"x\\\"\"}", "\"reason\":\"filter\",\"column\":13}", "is never"),
            (
                "{\"weir_tap\":1,\"filter\":\"bytes > 1 and dst.port == 1\"}", "\"reason\":\"filter\",\"column\":15}",
                "dst.port: not captured by the running plan"
            ),
            ("{\"weir_tap\":1,\"columns\":[\"zone\"]}", "\"reason\":\"columns\"}", "'zone' is about one end: write 'src.zone' or 'dst.zone'"),
            ("{\"weir_tap\":2,\"colors\":{}}", "\"reason\":\"", "request"), ("{\"weir_tap\":2}", "\"reason\":\"version\"}", "version 1"),
            ("{\"weir_tap\":\"1\"}", "\"reason\":\"version\"}", "version 1"), ("{}", "\"reason\":\"version\"}", "version 1"),
            ("{\"weir_tap\":1,\"color\":1}", "\"reason\":\"request\"}", "unknown key 'color'"),
            ("{\"weir_tap\":1,\"explain\":1}", "\"reason\":\"request\"}", "explain is true or false"),
            ("{\"weir_tap\":1,\"explain\":true,\"explain\":true}", "\"reason\":\"request\"}", "stands twice"),
            ("{\"weir_tap\":1,\"columns\":[1]}", "\"reason\":\"request\"}", "columns is a list of texts"),
            ("GET / HTTP/1.1", "\"reason\":\"request\"}", "expected a request"), ("", "\"reason\":\"request\"}", "expected a request"),
            ("\u{0}\u{1}\u{7f}", "\"reason\":\"request\"}", "expected a request"),
            ("{\"weir_tap\":1}\n{}", "\"reason\":\"request\"}", "follows the request"),
            ("{\"weir_tap\":1,\"filter\":\"\(String(repeating: "(", count: 60))\"}", "\"reason\":\"filter\",\"column\":", "nested deeper"),
        ])
    func refuses(_ request: String, _ ending: String, _ message: String) async throws {
        let fixture = try TapFixture()
        let client = try TapClientFixture(fixture.path)
        client.say(request + "\n")
        let found = client.rest()
        #expect(found.isClosed && found.lines.count == 1, "\(found)")
        #expect(found.lines.first?.contains(ending) == true && found.lines.first?.contains(message) == true, "\(found)")
        let next = try await fixture.client()
        #expect(next.lines(1).count == 1)
    }

    @Test("bytes without end, silence, and more than a request: each is sent away in time, and nothing of it is kept")
    func hostile() async throws {
        let fixture = try TapFixture()
        let endless = try TapClientFixture(fixture.path)
        for _ in 0..<10 { endless.say([UInt8](repeating: UInt8(ascii: "{"), count: 4096)) }
        #expect(endless.rest().lines.first?.contains("at most 8192 bytes") == true)
        let silent = try TapClientFixture(fixture.path)
        silent.say("{\"weir_tap\"")
        let start = ContinuousClock.now
        #expect(silent.rest().lines.first?.contains("\"reason\":\"timeout\"") == true)
        #expect(ContinuousClock.now - start < .seconds(4))
        let talkative = try await fixture.client()
        talkative.say("more")
        #expect(talkative.rest().lines.last?.contains("something follows the request") == true)
        #expect(await fixture.wait("clients", for: 0))
        #expect(fixture.metric("refused_total", "timeout") == 1 && fixture.metric("refused_total", "request") == 2)
    }

    @Test("a client may close its half behind the request")
    func halfClosed() async throws {
        var fixture = try TapFixture()
        let client = try await fixture.client()
        client.closeHalf()
        try await Task.sleep(for: .milliseconds(200))
        fixture.pipeline.window(Self.flows)
        #expect(client.lines(3).count == 3)
        client.close()
        #expect(await fixture.wait("clients", for: 0))
    }

    @Test("four may listen, the fifth is told so; when one goes there is room again")
    func fifth() async throws {
        let fixture = try TapFixture()
        var clients: [TapClientFixture] = []
        for _ in 0..<4 { clients.append(try await fixture.client()) }
        let fifth = try TapClientFixture(fixture.path)
        let said = fifth.rest()
        #expect(said.isClosed && said.lines == ["{\"error\":\"4 clients are there already, and no more may be\",\"reason\":\"full\"}"])
        #expect(fixture.metric("refused_total", "full") == 1)
        let outcome = try Fixtures.weir("tap", "--socket", fixture.path)
        #expect(outcome.status == 2 && outcome.errors == "weir tap: 4 clients are there already, and no more may be\n", "\(outcome)")
        clients.removeLast().close()
        #expect(await fixture.wait("clients", for: 3))
        clients.append(try await fixture.client())
        #expect(fixture.metric("clients") == 4)
        // Each leaves with its last reference.
        withExtendedLifetime(clients) {}
    }

    @Test("one who does not read holds nobody up: its queue is bounded, its losses are told, and all adds up")
    func slow() async throws {
        var fixture = try TapFixture()
        let slow = try await fixture.client()
        let quick = try await fixture.client("{\"weir_tap\":1,\"filter\":\"dst.address == 10.9.0.1\",\"columns\":[\"dst.address\"]}")
        let flows = (0..<20_000).map { CapturedFlow("10.1.\($0 / 250).\($0 % 250)", "10.2.\($0 / 250).\($0 % 250)", bytes: 1) }
        let start = ContinuousClock.now
        for _ in 0..<20 { fixture.pipeline.window(flows + [CapturedFlow("10.0.0.4", "10.9.0.1")]) }
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(quick.lines(21).count == 21)
        let offered = fixture.metric("offered_records_total")
        #expect(offered == 20 * 20_001 + 20)
        #expect(fixture.metric("lost_total", "queue_full") > 200_000)
        // What was written a moment ago is booked a moment later.
        for _ in 0..<100 where offered != accounted(fixture) { try await Task.sleep(for: .milliseconds(10)) }
        #expect(offered == accounted(fixture))
        // Reading on, it learns how many are missing, and where.
        var got = 0
        var lost = 0
        while got + lost < 20 * 20_001 {
            guard let line = slow.lines(1).first else { break }
            if line.hasPrefix("{\"time\"") { got += 1 } else if line.hasPrefix("{\"lost\":") { lost += Int(line.dropFirst(8).dropLast()) ?? 0 }
        }
        #expect(got + lost == 20 * 20_001)
        #expect(UInt64(lost) == fixture.metric("lost_total", "queue_full"))
    }

    private func accounted(_ fixture: borrowing TapFixture) -> UInt64 {
        fixture.metric("delivered_records_total") + fixture.metric("queued_records") + fixture.metric("lost_total")
    }

    @Test("over a reload clients stay, are told what follows, and miss nothing; who cannot stay is told why")
    func reload() async throws {
        var before = try TapFixture()
        let client = try await before.client()
        let picky = try await before.client("{\"weir_tap\":1,\"columns\":[\"src.zone\"],\"filter\":\"src.zone == \\\"a\\\"\"}")
        #expect(client.lines(1).count == 1 && picky.lines(1).count == 1)
        before.pipeline.window(Self.flows)
        var after = PipelineFixture("metrics: { network.flow.bytes: [dst.port] }")
        await before.server.prepare(TapFixture.context(after))
        before.pipeline.window(Self.flows)
        // It runs before the server hears of it.
        after.window([CapturedFlow("10.0.0.4", "10.0.0.5", bytes: 9, ports: (1, 80))])
        await before.server.settle(isGood: true)
        after.window([CapturedFlow("10.0.0.4", "10.0.0.5", bytes: 11, ports: (1, 80))])
        let lines = client.lines(7)
        #expect(
            lines.map { String($0.prefix(8)) } == Array(repeating: "{\"time\":", count: 4) + ["{\"weir_t"] + Array(repeating: "{\"time\":", count: 2))
        #expect(lines.last?.contains("\"dst.port\":80,") == true && lines.last?.contains("\"bytes\":11,") == true)
        let ended = picky.rest()
        #expect(ended.isClosed && ended.lines.count == 3)
        #expect(
            ended.lines.last
                == "{\"error\":\"the configuration was read again, and there src.zone: not captured by the running plan; add it to a metric or exporter\",\"reason\":\"ended\"}"
        )
        // One that is refused changes nothing.
        let never = PipelineFixture("metrics: { network.flow.bytes: [] }")
        await before.server.prepare(TapFixture.context(never))
        await before.server.settle(isGood: false)
        after.window([CapturedFlow("10.0.0.4", "10.0.0.5", bytes: 13, ports: (1, 80))])
        #expect(client.lines(1).first?.contains("\"bytes\":13,") == true)
    }

    @Test("a stop sends what waits, says so, and takes the socket away")
    func stop() async throws {
        var fixture = try TapFixture()
        let client = try await fixture.client()
        fixture.pipeline.window(Self.flows)
        await fixture.server.stop("the agent stops")
        let found = client.rest()
        #expect(found.isClosed && found.lines.count == 4)
        #expect(found.lines.last == "{\"error\":\"the agent stops\",\"reason\":\"ended\"}")
        #expect(!FileManager.default.fileExists(atPath: fixture.path))
        #expect(fixture.metric("delivered_records_total") == 2)
    }
}

/// Where the socket stands, and whose it is.
@Suite("tap: the socket")
struct TapSocketTests {
    private func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("is for its owner and the group weir, or root's; nobody else may use it; a folder that is missing is made")
    func rights() throws {
        try Fixtures.inFolder { folder in
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
            let path = folder.appendingPathComponent("run/tap.sock").path
            let socket = try SocketFile(at: path, group: "weir")
            let hasGroup = Fixtures.text(URL(fileURLWithPath: "/etc/group")).contains("\nweir:")
            let mode = try self.mode(path)
            let isShared = getuid() == 0 || hasGroup && mode == 0o660
            #expect(mode == (isShared ? 0o660 : 0o600))
            #expect(try self.mode(folder.appendingPathComponent("run").path) == (isShared ? 0o750 : 0o700))
            socket.remove()
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("one that lives is not stolen, one that is left over is replaced, what is none stays")
    func others() throws {
        try Fixtures.inFolder { folder in
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
            let path = folder.appendingPathComponent("tap.sock").path
            var first: SocketFile? = try SocketFile(at: path, group: "weir")
            #expect(throws: SocketFile.Problem.self) { try SocketFile(at: path, group: "weir") }
            #expect(throws: Never.self) { UnixSocket.close(try UnixSocket.connect(to: path)) }
            // Closed, and left: as a process that was killed leaves it.
            _ = first
            first = nil
            #expect(throws: (any Error).self) { try UnixSocket.connect(to: path) }
            let second = try SocketFile(at: path, group: "weir")
            try FileManager.default.removeItem(atPath: path)
            try "no socket".write(toFile: path, atomically: false, encoding: .utf8)
            second.remove()
            #expect(Fixtures.text(URL(fileURLWithPath: path)) == "no socket")
            #expect(throws: SocketFile.Problem.self) { try SocketFile(at: path, group: "weir") }
            #expect(Fixtures.text(URL(fileURLWithPath: path)) == "no socket")
        }
    }

    @Test("no folder that others can write to")
    func folder() throws {
        try Fixtures.inFolder { folder in
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
            let path = folder.appendingPathComponent("tap.sock").path
            #expect(throws: SocketFile.Problem.self) { try SocketFile(at: path, group: "weir") }
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("of many that start at once one has it")
    func together() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-tap-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("tap.sock").path
        var held = 0
        for _ in 0..<20 {
            // What a dead one left tempts all of them. A program that another test starts has every descriptor from its fork to its exec,
            // and so may seem to listen for a moment.
            _ = try? SocketFile(at: path, group: "weir")
            let sockets = await withTaskGroup(of: SocketFile?.self) { group in
                for _ in 0..<4 { group.addTask { try? SocketFile(at: path, group: "weir") } }
                return await group.reduce(into: [SocketFile]()) { if let socket = $1 { $0.append(socket) } }
            }
            // Open until here, or nobody would listen.
            try withExtendedLifetime(sockets) {
                #expect(sockets.count <= 1)
                if !sockets.isEmpty { UnixSocket.close(try UnixSocket.connect(to: path)) }
            }
            held += sockets.count
        }
        #expect(held > 0)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import HTTPClient
import ScriptedServer
import Testing

@Suite("servers that cut, stall, flood and lie", .timeLimit(.minutes(1)))
struct TroubleTests {
    private let client = HTTPClient()

    /// A server that does this with every request.
    private func server(_ script: @escaping @Sendable (ScriptedConnection) throws -> Void) throws -> ScriptedServer {
        try ScriptedServer { _, connection in try script(connection) }
    }

    private func writing(_ bytes: String) throws -> ScriptedServer {
        try server { connection in
            try connection.write(bytes)
            connection.close()
        }
    }

    @Test("nobody listens")
    func refused() async throws {
        let server = try server { try $0.respond() }
        server.stop()
        let error = await client.failure(request(server.url + "/a?secret=b"))
        #expect(error?.reason == .connect)
        #expect(error?.description.hasPrefix("reach \(server.url)/a: ") == true && error?.description.contains("secret") == false)
    }

    @Test(
        "the connection ends too early",
        arguments: [
            "", "HTTP/1.1 200 OK\r\nA: b\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123456789",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        ])
    func closed(_ bytes: String) async throws {
        let server = try writing(bytes)
        let error = await client.failure(request(server.url))
        #expect(error?.reason == .closed, "\(String(describing: error))")
    }

    @Test("the connection is reset before the answer, in its head, and in its body")
    func reset() async throws {
        for bytes in ["", "HTTP/1.1 200 OK\r\nA", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234"] {
            let server = try server { connection in
                try connection.write(bytes)
                try connection.pause(.milliseconds(20))
                connection.reset()
            }
            #expect(await client.failure(request(server.url))?.reason == .reset, "\(bytes)")
        }
    }

    @Test("the connection is reset while the request is still being sent")
    func resetWhileSending() async throws {
        let server = try ScriptedServer(raw: { connection in
            try connection.pause(.milliseconds(20))
            connection.reset()
        })
        let error = await client.failure(
            request(server.url) {
                $0.method = "POST"
                $0.body = Array(repeating: 0, count: 32 << 20)
            })
        #expect(error?.reason == .reset)
    }

    @Test("a stream gives what came before the cut, then the failure, again and again")
    func cutStream() async throws {
        let server = try server { connection in
            try connection.startChunks()
            try connection.chunk("one\ntwo\nthr")
            connection.close()
        }
        let stream = try await client.open(request(server.url))
        #expect(try await stream.nextLine(maxBytes: 10) == Array("one".utf8))
        #expect(try await stream.nextLine(maxBytes: 10) == Array("two".utf8))
        for _ in 0..<2 {
            await #expect { try await stream.nextLine(maxBytes: 10) } throws: { ($0 as? HTTPError)?.reason == .closed }
        }
    }

    @Test("a connection that the server has closed meanwhile is replaced")
    func stale() async throws {
        let server = try server { connection in
            try connection.respond("\(connection.number)")
            connection.close()
        }
        for number in 1...3 {
            #expect(try await client.send(request(server.url)).text == "\(number)")
            _ = await eventually { server.openConnections == 0 }
        }
    }

    @Test(
        "what is no HTTP/1.1",
        arguments: [
            "hello\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 OK\r\n\r\n", "HTTP/0.9 200 OK\r\n\r\nx", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\n: no name\r\n\r\n", "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\u{1}c\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "<html>sorry</html>",
        ])
    func malformed(_ bytes: String) async throws {
        let server = try writing(bytes)
        let error = await client.failure(request(server.url))
        #expect(error?.reason == .protocolError, "\(String(describing: error))")
    }

    @Test("chunks that are none, which libcurl does not tell from a connection that broke")
    func brokenChunks() async throws {
        let server = try writing("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
        let error = await client.failure(request(server.url))
        #expect(error?.reason == .protocolError || error?.reason == .reset, "\(String(describing: error))")
    }

    @Test("limits of heads: one long line, many lines, interim answers without end, trailers without end")
    func largeHeads() async throws {
        let line = "A: \(String(repeating: "b", count: 1000))\r\n"
        let heads = [
            "HTTP/1.1 200 OK\r\nA: \(String(repeating: "b", count: 90_000))\r\n\r\n", "HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 100),
            String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 10_000),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + String(repeating: line, count: 100) + "\r\n",
        ]
        for head in heads {
            let server = try writing(head)
            #expect(await client.failure(request(server.url))?.reason == .tooLarge, "\(head.prefix(60))")
        }
        let fits = try writing("HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 60) + "\r\n")
        #expect(try await client.send(request(fits.url)).headers.count == 60)
    }

    @Test("limits of bodies: exactly so much, and one byte more")
    func largeBodies() async throws {
        let server = try ScriptedServer { request, connection in
            let bytes = [UInt8](repeating: 7, count: Int(request.query("count") ?? "") ?? 0)
            if request.path == "/chunks" {
                try connection.startChunks()
                try connection.chunk(bytes)
                try connection.endChunks()
            } else {
                try connection.respond(body: bytes)
            }
        }
        for path in ["/length", "/chunks"] {
            func asked(_ count: Int) -> HTTPRequest {
                request("\(server.url)\(path)?count=\(count)") {
                    $0.maxBodyBytes = 100_000
                    $0.maxStreamBytes = 100_000
                }
            }
            #expect(try await client.send(asked(100_000)).body.count == 100_000)
            #expect(await client.failure(asked(100_001))?.reason == .tooLarge)
            #expect(await client.failure(asked(50_000_000))?.reason == .tooLarge)
            let whole = await (try client.open(asked(100_000))).drained()
            #expect(whole.bytes.count == 100_000 && whole.error == nil)
            let cut = await (try client.open(asked(300_000))).drained()
            #expect(cut.bytes.count <= 100_000 && cut.error?.reason == .tooLarge)
        }
    }

    @Test("a line longer than the limit ends the stream, one as long does not")
    func longLines() async throws {
        let server = try server { connection in
            try connection.startChunks()
            try connection.chunk(String(repeating: "a", count: 5000) + "\n")
            while true { try connection.chunk(String(repeating: "b", count: 5000)) }
        }
        let stream = try await client.open(request(server.url))
        #expect(try await stream.nextLine(maxBytes: 5000)?.count == 5000)
        // (Counts, so that a failure does not print the line.)
        await #expect { try await stream.nextLine(maxBytes: 100_000)?.count } throws: { ($0 as? HTTPError)?.reason == .tooLarge }
        await #expect { try await stream.nextChunk()?.count } throws: { ($0 as? HTTPError)?.reason == .cancelled }
        // The server is not left to write on.
        #expect(await eventually { server.openConnections == 0 })
    }

    @Test("silence: before the answer, in the head, in the body; each ends within its limit")
    func silence() async throws {
        for bytes in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1"] {
            let server = try server { connection in
                try connection.write(bytes)
                try connection.hang()
            }
            for isIdle in [true, false] {
                let start = ContinuousClock.now
                let error = await client.failure(
                    request(server.url) { if isIdle { $0.idleTimeout = .milliseconds(100) } else { $0.totalTimeout = .milliseconds(100) } })
                #expect(error?.reason == .timeout, "\(bytes)")
                #expect(ContinuousClock.now - start >= .milliseconds(100))
                #expect(await eventually { server.openConnections == 0 })
            }
        }
    }

    @Test("a drop now and then is no silence, but counts in the whole time")
    func drops() async throws {
        let server = try server { connection in
            try connection.startChunks()
            for _ in 0..<10 {
                try connection.chunk("x")
                try connection.pause(.milliseconds(40))
            }
            try connection.endChunks()
        }
        #expect(try await client.send(request(server.url) { $0.idleTimeout = .milliseconds(300) }).body.count == 10)
        let slow = await client.failure(request(server.url) { $0.totalTimeout = .milliseconds(150) })
        #expect(slow?.reason == .timeout)
        // A stream's total time ends with its head, its own does not.
        let stream = await (try client.open(request(server.url) { $0.totalTimeout = .milliseconds(150) })).drained()
        #expect(stream.bytes.count == 10 && stream.error == nil)
        let bounded = await (try client.open(request(server.url) { $0.streamTimeout = .milliseconds(150) })).drained()
        #expect((1..<10).contains(bounded.bytes.count) && bounded.error?.reason == .timeout)
    }

    @Test("a server that takes no bytes is silent too")
    func unread() async throws {
        let server = try ScriptedServer(raw: { try $0.hang() })
        let error = await client.failure(
            request(server.url) {
                $0.method = "POST"
                $0.body = Array(repeating: 0, count: 32 << 20)
                $0.idleTimeout = .milliseconds(200)
            })
        #expect(error?.reason == .timeout)
    }

    @Test("a listener that nobody accepts from: the limit of connecting holds")
    func unconnected() async throws {
        // TLS needs an answer before anything is said to be connected.
        let server = try ScriptedServer(raw: { try $0.hang() })
        let error = await client.failure(
            request("https://127.0.0.1:\(server.port)/") {
                $0.connectTimeout = .milliseconds(150)
                $0.idleTimeout = .milliseconds(10)
            })
        #expect(error?.reason == .timeout)
    }
}

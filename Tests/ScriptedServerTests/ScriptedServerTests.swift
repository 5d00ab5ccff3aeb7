// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import ScriptedServer
import Testing

@Suite("the scripted server: it reads what was sent and does what the script says", .timeLimit(.minutes(1)))
struct ScriptedServerTests {
    @Test("requests are parsed: method, target, headers, bodies of a length and of chunks, several on one connection")
    func requests() throws {
        let server = try ScriptedServer { request, connection in try connection.respond("\(request.connection) \(request.text)") }
        let client = try RawClient(port: server.port)
        client.send("POST /a?x=1%202&y HTTP/1.1\r\nHost: h\r\nX-One:  two \r\nContent-Length: 3\r\n\r\nabc")
        #expect(client.receive(until: "1 abc").hasPrefix("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))
        client.send("PUT /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na;e=1\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n")
        client.send("GET /c HTTP/1.1\r\nConnection: close\r\n\r\n")
        let rest = client.receive(until: nil)
        #expect(rest.contains("1 abc0123456789") && rest.hasSuffix("1 "))
        let requests = server.requests
        #expect(requests.map(\.method) == ["POST", "PUT", "GET"])
        #expect(requests.map(\.path) == ["/a", "/b", "/c"])
        #expect(requests[0].query("x") == "1 2" && requests[0].query("y") == "" && requests[0].query("z") == nil)
        #expect(requests[0].header("x-one") == "two")
        #expect(server.failures == [] && server.acceptedConnections == 1)
    }

    @Test(
        "what is no request is noted as a failure",
        arguments: ["hello\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"])
    func malformed(_ text: String) throws {
        let server = try ScriptedServer { _, connection in try connection.respond() }
        let client = try RawClient(port: server.port)
        client.send(text)
        #expect(client.receive(until: nil) == "")
        #expect(server.failures.count == 1 && server.requests.isEmpty)
    }

    @Test("chunks, raw bytes, a half-closed and an orderly closed connection arrive as written")
    func pieces() throws {
        let server = try ScriptedServer { request, connection in
            switch request.path {
            case "/chunks":
                try connection.startChunks(201)
                try connection.chunk("ab")
                try connection.chunk("")
                try connection.endChunks()
            case "/half":
                try connection.write("part")
                connection.halfClose()
                try connection.hang()
            default:
                try connection.write("no HTTP at all")
                connection.close()
            }
        }
        func answer(_ path: String) throws -> String {
            let client = try RawClient(port: server.port)
            client.send("GET \(path) HTTP/1.1\r\nConnection: close\r\n\r\n")
            return client.receive(until: nil)
        }
        #expect(try answer("/chunks") == "HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
        #expect(try answer("/half") == "part")
        #expect(try answer("/raw") == "no HTTP at all")
    }

    @Test("a reset is a reset")
    func reset() throws {
        let server = try ScriptedServer { _, connection in connection.reset() }
        let client = try RawClient(port: server.port)
        client.send("GET / HTTP/1.1\r\n\r\n")
        _ = client.receive(until: nil)
        #expect(client.wasReset)
    }

    @Test("a raw script speaks first, and a unix socket is as good as a port")
    func raw() throws {
        let path = "/tmp/weir-scripted-\(UInt64.random(in: 0 ... .max)).sock"
        let server = try ScriptedServer(on: .unix(path: path), raw: { connection in try connection.write("early") })
        #expect(try RawClient(path: path).receive(until: nil) == "early")
        server.stop()
        #expect(throws: (any Error).self) { try RawClient(path: path) }
    }

    @Test("a handler that waits ends when its client goes away, and all end when the server is stopped")
    func stop() async throws {
        let server = try ScriptedServer { _, connection in try connection.hang() }
        var clients = try (0..<20).map { _ in try RawClient(port: server.port) }
        for client in clients { client.send("GET / HTTP/1.1\r\n\r\n") }
        #expect(await server.waitForRequests(20).count == 20)
        clients.removeLast(5)
        let end = ContinuousClock.now + .seconds(20)
        while server.openConnections > 15, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(2)) }
        #expect(server.openConnections == 15)
        server.stop()
        #expect(server.openConnections == 0 && server.failures == [])
        #expect(clients[0].receive(until: nil) == "")
    }
}

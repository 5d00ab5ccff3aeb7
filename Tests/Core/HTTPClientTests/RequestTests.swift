// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import HTTPClient
import ScriptedServer
import Testing

@Suite("requests: what is asked arrives, and the answer comes back whole", .timeLimit(.minutes(1)))
struct RequestTests {
    private let client = HTTPClient()

    @Test(
        "method, headers and body arrive as given, and nothing that libcurl would add",
        arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    func methods(_ method: String) async throws {
        let server = try ScriptedServer { request, connection in
            try connection.respond(418, headers: [("X-Many", "1"), ("x-many", "2")], "\(request.method) \(request.text)")
        }
        for body in ["", "{}", String(repeating: "x", count: 3 << 20)] where method != "GET" || body.isEmpty {
            let response = try await client.send(
                request(server.url + "/p?q=1") {
                    $0.method = method
                    $0.headers = [("X-One", "a b"), ("X-Empty", ""), ("Content-Type", "application/json")]
                    $0.body = Array(body.utf8)
                })
            #expect(response.status == 418)
            #expect(response.text == "\(method) \(body)")
            #expect(response.headers["X-MANY"] == "1" && response.headers.values("x-many") == ["1", "2"])
            let seen = try #require(server.requests.last)
            #expect(seen.target == "/p?q=1")
            #expect(seen.header("x-one") == "a b" && seen.header("x-empty") == "")
            #expect(seen.header("content-type") == "application/json")
            #expect(seen.header("user-agent") == "weir" && seen.header("expect") == nil && seen.header("accept-encoding") == nil)
            // A server that waits for a body must be told that there is none.
            #expect(seen.header("content-length") == (body.isEmpty && !["POST", "PUT", "PATCH"].contains(method) ? nil : "\(body.utf8.count)"))
        }
        // Kept alive: one connection for all.
        #expect(server.acceptedConnections == 1 && server.failures == [])
    }

    @Test("no type is made up for a body that has none")
    func typeless() async throws {
        let server = try ScriptedServer { _, connection in try connection.respond() }
        _ = try await client.send(
            request(server.url) {
                $0.method = "POST"
                $0.body = [1, 2, 3]
            })
        #expect(server.requests[0].header("content-type") == nil)
        #expect(server.requests[0].body == [1, 2, 3])
    }

    @Test("an answer to HEAD has no body, whatever length it tells of")
    func head() async throws {
        let server = try ScriptedServer { _, connection in try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n") }
        let response = try await client.send(request(server.url) { $0.method = "HEAD" })
        #expect(response.status == 200 && response.body.isEmpty)
    }

    @Test("chunks, a body that ends with its connection, no body at all, and interim answers")
    func framing() async throws {
        let server = try ScriptedServer { request, connection in
            switch request.path {
            case "/chunks":
                try connection.startChunks()
                for piece in ["a", "bc", "def"] { try connection.chunk(piece) }
                try connection.write("0\r\nTrailer: x\r\n\r\n")
            case "/until-close":
                try connection.write("HTTP/1.1 200 OK\r\n\r\nabcdef")
                connection.close()
            case "/none": try connection.write("HTTP/1.1 204 Nothing\r\n\r\n")
            default: try connection.write("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200\r\nA: b\r\n  c\r\nContent-Length: 6\r\n\r\nabcdef")
            }
        }
        for (path, expected) in [("/chunks", "abcdef"), ("/until-close", "abcdef"), ("/none", ""), ("/interim", "abcdef")] {
            let response = try await client.send(request(server.url + path))
            #expect(response.text == expected, "\(path)")
            #expect(response.headers["trailer"] == nil && response.headers["link"] == nil)
            if path == "/interim" { #expect(response.headers["a"] == "b c") }
        }
    }

    @Test("a unix socket, and an address of the other family")
    func places() async throws {
        let path = "/tmp/weir-http-\(UInt64.random(in: 0 ... .max)).sock"
        let unix = try ScriptedServer(on: .unix(path: path)) { request, connection in try connection.respond(request.header("host") ?? "") }
        #expect(try await client.send(request("http://some.host/x") { $0.unixSocket = path }).text == "some.host")
        #expect(unix.requests[0].target == "/x")
        let missing = await client.failure(request("http://some.host/x") { $0.unixSocket = path + ".not" })
        #expect(missing?.reason == .connect)
        let six = try ScriptedServer(on: .tcp("::1")) { _, connection in try connection.respond("six") }
        #expect(try await client.send(request(six.url)).text == "six")
    }

    @Test(
        "what cannot be sent is refused before anything is connected",
        arguments: [
            "", "host/path", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://user:secret@127.0.0.1/", "http://127.0.0.1:70000/",
            "http://127.0.0.1/a\r\nb", "http://127.0.0.1/\0", "http://a b/",
        ])
    func badURL(_ url: String) async {
        let error = await client.failure(request(url))
        #expect(error?.reason == .url)
        #expect(error?.description.contains("secret") == false)
    }

    @Test("headers cannot smuggle lines or other headers in")
    func badHeaders() async throws {
        let server = try ScriptedServer { _, connection in try connection.respond() }
        let bad = [
            ("A", "b\r\nC: d"), ("A", "b\nC: d"), ("A", "\0"), ("A\r\nB", "c"), ("A B", "c"), ("", "c"), ("A:", "c"), ("Content-Length", "1"),
            ("transfer-encoding", "chunked"),
        ]
        for (name, value) in bad {
            #expect(await client.failure(request(server.url) { $0.headers = [(name, value)] })?.reason == .url, "\(name): \(value)")
        }
        #expect(await client.failure(request(server.url) { $0.method = "GET /x HTTP/1.1\r\nA: b\r\n\r\nGET" })?.reason == .url)
        #expect(server.acceptedConnections == 0)
    }

    @Test("gzip is neither asked for nor unpacked unless it is wanted, and counts unpacked")
    func gzip() async throws {
        let server = try ScriptedServer { request, connection in
            try connection.respond(200, headers: [("Content-Encoding", "gzip")], body: Gzip.zeros)
        }
        let plain = try await client.send(request(server.url))
        #expect(plain.body == Gzip.zeros && server.requests[0].header("accept-encoding") == nil)
        let unpacked = try await client.send(request(server.url) { $0.acceptsGzip = true })
        #expect(unpacked.body == Array(repeating: 0, count: Gzip.zeroCount) && server.requests[1].header("accept-encoding") == "gzip")
        let bomb = await client.failure(
            request(server.url) {
                $0.acceptsGzip = true
                $0.maxBodyBytes = Gzip.zeroCount - 1
            })
        #expect(bomb?.reason == .tooLarge)
    }
}

/// gzip(1) of 100,000 zeros.
enum Gzip {
    static let zeroCount = 100_000
    static let zeros: [UInt8] =
        [31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 49, 1, 0, 0, 0, 194, 160, 245, 79, 109, 13, 15, 160] + Array(repeating: 0, count: 96) + [
            128, 87, 3, 125, 149, 17, 212, 160, 134, 1, 0,
        ]
}

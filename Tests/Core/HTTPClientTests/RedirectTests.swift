// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import HTTPClient
import ScriptedServer
import Testing

@Suite("redirects: limited, and credentials stay where they belong", .timeLimit(.minutes(1)))
struct RedirectTests {
    private let client = HTTPClient()

    private static let secrets: [(name: String, value: String)] = [
        ("Authorization", "Bearer t"), ("cookie", "c=1"), ("X-Api-Key", "k"), ("X-Open", "o"),
    ]

    /// `/go?to=URL&status=…` redirects, `/loop` to itself, anything else is answered with the request's headers.
    private func server() throws -> ScriptedServer {
        try ScriptedServer { request, connection in
            switch request.path {
            case "/go":
                let status = request.query("status").flatMap { Int($0) } ?? 302
                try connection.respond(status, headers: [("Location", request.query("to") ?? "")], "look elsewhere")
            case "/loop": try connection.respond(302, headers: [("Location", "/loop")])
            default: try connection.respond("\(request.method) \(request.target) \(request.text)")
            }
        }
    }

    private func asked(_ url: String, _ method: String = "GET") -> HTTPRequest {
        request(url) {
            $0.method = method
            $0.headers = Self.secrets
            $0.secretHeaders = ["x-api-key"]
        }
    }

    @Test("at the same origin everything goes along, by a path, a relative path or a whole URL")
    func sameOrigin() async throws {
        let server = try server()
        for target in ["/a/b?x=1", "b", "?x=1", "\(server.url)/a", "//127.0.0.1:\(server.port)/c"] {
            _ = try await client.send(asked("\(server.url)/go?to=\(target)"))
            let last = try #require(server.requests.last)
            #expect(!last.path.hasPrefix("/go") || target == "?x=1")
            for (name, value) in Self.secrets { #expect(last.header(name) == value, "\(target)") }
        }
    }

    @Test("another origin gets no credentials, nor does the first one after a detour")
    func elsewhere() async throws {
        let (first, second) = (try server(), try server())
        _ = try await client.send(asked("\(first.url)/go?to=\(second.url)/go?to=\(first.url)/end"))
        #expect(first.requests.map(\.path) == ["/go", "/end"] && second.requests.count == 1)
        for seen in [second.requests[0], first.requests[1]] {
            #expect(seen.header("authorization") == nil && seen.header("cookie") == nil && seen.header("x-api-key") == nil)
            #expect(seen.header("x-open") == "o")
            #expect(seen.header("host") == "127.0.0.1:\(seen.path == "/go" ? second.port : first.port)")
        }
        // The same address by another name is another origin.
        let named = try await client.send(asked("\(first.url)/go?to=http://localhost:\(first.port)/end"))
        #expect(named.status == 200 && first.requests.last?.header("authorization") == nil)
    }

    @Test(
        "what becomes of method and body",
        arguments: [
            (301, "POST", "GET", false), (302, "POST", "GET", false), (303, "POST", "GET", false), (303, "PUT", "GET", false),
            (307, "POST", "POST", true),
            (308, "POST", "POST", true), (301, "PUT", "PUT", true), (303, "HEAD", "HEAD", false), (302, "DELETE", "DELETE", false),
        ])
    func methods(_ status: Int, _ before: String, _ after: String, _ keepsBody: Bool) async throws {
        let server = try server()
        let response = try await client.send(
            request("\(server.url)/go?status=\(status)&to=/end") {
                $0.method = before
                $0.headers = [("Content-Type", "a/b")]
                if before == "POST" || before == "PUT" { $0.body = Array("data".utf8) }
            })
        let last = try #require(server.requests.last)
        #expect(last.method == after && last.text == (keepsBody ? "data" : ""))
        #expect(response.status == 200)
        if !keepsBody, before == "POST" { #expect(last.header("content-type") == nil) }
    }

    @Test("loops end at the limit, and with the limit 0 a redirect is an answer")
    func loops() async throws {
        let server = try server()
        let error = await client.failure(request(server.url + "/loop") { $0.maxRedirects = 5 })
        #expect(error?.reason == .redirect && server.requests.count == 6)
        let answer = try await client.send(request(server.url + "/loop") { $0.maxRedirects = 0 })
        #expect(answer.status == 302 && answer.headers["location"] == "/loop" && server.requests.count == 7)
        // So is one that does not say where to.
        let nowhere = try ScriptedServer { _, connection in try connection.respond(302, "?") }
        #expect(try await client.send(request(nowhere.url)).text == "?")
    }

    @Test(
        "where no redirect leads",
        arguments: [
            "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "http://user:secret@127.0.0.1/", "http://", "dict://127.0.0.1:11211/",
        ])
    func forbidden(_ target: String) async throws {
        let server = try server()
        let error = await client.failure(request("\(server.url)/go?to=\(target)"))
        #expect(error?.reason == .redirect)
        #expect(error?.description.contains("secret") == false)
        #expect(server.requests.count == 1)
    }

    @Test("a redirect's body is not read, be it without end, and a stream's head is that of the last answer")
    func bodies() async throws {
        let server = try ScriptedServer { request, connection in
            if request.path == "/end" { return try connection.respond("end") }
            try connection.startChunks(307, headers: [("Location", "/end")])
            while true { try connection.chunk([UInt8](repeating: 0, count: 65536)) }
        }
        #expect(try await client.send(request(server.url)).text == "end")
        let stream = try await client.open(request(server.url))
        #expect(stream.status == 200)
        #expect(await stream.drained().bytes == Array("end".utf8))
    }

    @Test("the total time holds over all hops")
    func time() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.pause(.milliseconds(50))
            try connection.respond(302, headers: [("Location", "/")])
        }
        let error = await client.failure(
            request(server.url) {
                $0.totalTimeout = .milliseconds(180)
                $0.maxRedirects = 1000
            })
        #expect(error?.reason == .timeout)
        #expect((2...4).contains(server.requests.count))
    }

    @Test("from a unix socket no redirect leads to the network, but one at the same socket is followed")
    func unixSocket() async throws {
        let path = "/tmp/weir-redirect-\(UInt64.random(in: 0 ... .max)).sock"
        let network = try server()
        let server = try ScriptedServer(on: .unix(path: path)) { request, connection in
            switch request.path {
            case "/away": try connection.respond(302, headers: [("Location", network.url)])
            case "/same": try connection.respond(302, headers: [("Location", "/end")])
            default: try connection.respond("end")
            }
        }
        #expect(await client.failure(request("http://h/away") { $0.unixSocket = path })?.reason == .redirect)
        #expect(try await client.send(request("http://h/same") { $0.unixSocket = path }).text == "end")
        #expect(network.acceptedConnections == 0 && server.requests.count == 3)
    }
}

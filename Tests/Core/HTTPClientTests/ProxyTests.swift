// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import HTTPClient
import ScriptedServer
import Testing

@Suite("proxies: by the variables, and no credentials for them", .timeLimit(.minutes(1)))
struct ProxyTests {
    private let client = HTTPClient()

    /// Answers what is asked of it as a proxy, and carries tunnels to their port of loopback.
    private func proxy() throws -> ScriptedServer {
        try ScriptedServer { request, connection in
            guard request.method == "CONNECT" else { return try connection.respond(200, headers: [("X-By", "proxy")], request.target) }
            try connection.write("HTTP/1.1 200 Established\r\nX-By: proxy\r\n\r\n")
            try connection.relay(toPort: request.target.split(separator: ":").last.flatMap { UInt16($0) } ?? 0)
        }
    }

    private func by(_ variables: [String: String], _ url: String, _ change: (inout HTTPRequest) -> Void = { _ in }) -> HTTPRequest {
        request(url) {
            $0.proxy = .variables(variables)
            change(&$0)
        }
    }

    @Test("http goes to the proxy as a whole URL, unless an exception or no variable names it")
    func plain() async throws {
        let proxy = try proxy()
        let server = try ScriptedServer { _, connection in try connection.respond("direct") }
        for name in ["http_proxy", "all_proxy", "ALL_PROXY"] {
            #expect(try await client.send(by([name: proxy.url], server.url + "/a?b")).text == "\(server.url)/a?b", "\(name)")
        }
        // Nobody need know the host but the proxy.
        #expect(try await client.send(by(["http_proxy": proxy.url], "http://nowhere.invalid/x")).text == "http://nowhere.invalid/x")
        for exceptions in ["127.0.0.1", "*", "127.0.0.0/8", "example.org, 127.0.0.1"] {
            for name in ["no_proxy", "NO_PROXY"] {
                #expect(try await client.send(by(["http_proxy": proxy.url, name: exceptions], server.url)).text == "direct", "\(name)=\(exceptions)")
            }
        }
        #expect(try await client.send(by(["http_proxy": proxy.url, "no_proxy": "10.0.0.0/8,example.org"], server.url)).text == "\(server.url)/")
        for variables in [[:], ["https_proxy": proxy.url], ["HTTP_PROXY": proxy.url], ["http_proxy": ""]] {
            #expect(try await client.send(by(variables, server.url)).text == "direct", "\(variables)")
        }
        #expect(try await client.send(request(server.url)).text == "direct")
    }

    @Test("https goes through a tunnel, in which the proxy sees no header of ours")
    func tunnel() async throws {
        let proxy = try proxy()
        let server = try ScriptedServer { request, connection in try connection.respond(request.header("authorization") ?? "") }
        let tls = try TLSFront(of: server)
        let request = by(["https_proxy": proxy.url], tls.url) {
            $0.headers = [("Authorization", "Bearer t")]
            $0.tls.caFile = tls.certificates.authority
        }
        let response = try await client.send(request)
        #expect(response.text == "Bearer t" && response.headers["x-by"] == nil)
        let seen = try #require(proxy.requests.first)
        #expect(seen.method == "CONNECT" && seen.target == "127.0.0.1:\(tls.port)" && seen.header("authorization") == nil)
        #expect(proxy.requests.count == 1)
    }

    @Test("a proxy that refuses, is not there or says nothing")
    func trouble() async throws {
        let refusing = try ScriptedServer { _, connection in try connection.respond(403, "no") }
        #expect(await client.failure(by(["https_proxy": refusing.url], "https://127.0.0.1:1/"))?.reason == .connect)
        let silent = try ScriptedServer { _, connection in try connection.hang() }
        let error = await client.failure(by(["https_proxy": silent.url], "https://127.0.0.1:1/") { $0.connectTimeout = .milliseconds(100) })
        #expect(error?.reason == .timeout)
        silent.stop()
        #expect(await client.failure(by(["http_proxy": silent.url], "http://127.0.0.1:1/"))?.reason == .connect)
    }

    @Test("exceptions are for the host of the URL, whatever name its certificate must have")
    func serverName() async throws {
        let proxy = try proxy()
        let server = try ScriptedServer { request, connection in try connection.respond(request.header("x-server-name") ?? "") }
        let tls = try TLSFront(of: server)
        func asked(except exceptions: String) -> HTTPRequest {
            by(["https_proxy": proxy.url, "no_proxy": exceptions], tls.url) {
                $0.tls.caFile = tls.certificates.authority
                $0.tls.serverName = "api.test"
            }
        }
        // Clients of their own: an open connection is as good as a new one.
        for exceptions in ["127.0.0.1", "*", "127.0.0.0/8"] {
            #expect(try await HTTPClient().send(asked(except: exceptions)).text == "api.test")
            #expect(proxy.requests.isEmpty, "\(exceptions)")
        }
        for (index, exceptions) in ["api.test", ".test", "10.0.0.0/8"].enumerated() {
            #expect(try await HTTPClient().send(asked(except: exceptions)).text == "api.test")
            #expect(proxy.requests.count == index + 1, "\(exceptions)")
        }
        #expect(server.requests.count == 6)
    }

    @Test(
        "what an exception excepts",
        arguments: [
            ("*", "a.example", true), ("x,*", "a.example", true), ("", "a.example", false), (".", "a.example", false),
            ("a.example", "a.example", true), ("A.Example.", "a.example", true), ("a.example", "a.example.", true), ("example", "a.example", true),
            (".example", "a.example", true), (".example", "example", true), ("ample", "a.example", false), ("a.example", "example", false),
            ("x, a.example", "a.example", true), ("x a.example", "a.example", true), ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1", "10.0.0.10", false),
            ("0.0.1", "10.0.0.1", false), ("10.0.0.0/8", "10.9.9.9", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.128.0.0/9", "10.127.0.1", false),
            ("10.128.0.0/9", "10.200.0.1", true), ("0.0.0.0/0", "192.0.2.1", true), ("10.0.0.1/32", "10.0.0.1", true),
            ("10.0.0.1/33", "10.0.0.1", false),
            ("10.0.0.0/x", "10.0.0.0", false), ("10.0.0.0/8", "10.example", false), ("2001:db8::/32", "[2001:db8::1]", true),
            ("2001:db8::1", "[2001:db8:0::1]", true), ("[2001:db8::1]", "[2001:db8::1]", true), ("2001:db8::/32", "[2001:db9::1]", false),
            ("::/0", "10.0.0.1", false),
        ] as [(String, String, Bool)])
    func exceptions(_ exceptions: String, _ host: String, _ isExcepted: Bool) {
        #expect(ProxyChoice(proxy: "http://p", exceptions: exceptions).excepts(host) == isExcepted)
    }

    @Test("a proxy that cannot be read is not quoted: it may hold a password")
    func secret() async throws {
        let long = String(repeating: "x", count: 400)
        for proxy in [
            "http://user:hunter2@127.0.0.1:port", "http://user:hunter2@[::1", "foo://user:hunter2@127.0.0.1:1", "http://user:hunter2@127.0.0.1:99999",
            "user:hunter2@:@:1", "http://user:hunter2@127.0.0.1:port/\(long)", "foo://user:hunter2@\(long)", "http://user:hunter2@127.0.0.1:1",
            "socks5://user:hunter2@127.0.0.1:1", "http://user:hunter2@nowhere.invalid:1",
        ] {
            for (variable, url) in [("http_proxy", "http://127.0.0.1:1/"), ("https_proxy", "https://127.0.0.1:1/")] {
                let error = await client.failure(by([variable: proxy], url))
                #expect(error.map { !$0.description.contains("hunter") } == true, "\(proxy.prefix(60)): \(error?.description ?? "")")
            }
        }
    }

    @Test("a unix socket has no proxy")
    func unixSocket() async throws {
        let path = "/tmp/weir-proxy-\(UInt64.random(in: 0 ... .max)).sock"
        let server = try ScriptedServer(on: .unix(path: path)) { _, connection in try connection.respond("unix") }
        let proxy = try proxy()
        #expect(try await client.send(by(["http_proxy": proxy.url], "http://h/") { $0.unixSocket = path }).text == "unix")
        #expect(proxy.acceptedConnections == 0 && server.requests.count == 1)
    }

    @Test("nginx as a proxy")
    func nginx() async throws {
        let server = try ScriptedServer { request, connection in try connection.respond("\(request.target) \(request.header("via") ?? "")") }
        let nginx = try NginxServer(ports: 1) { ports, _ in
            """
            server {
                listen 127.0.0.1:\(ports[0]);
                location / { proxy_pass http://$http_host$request_uri; proxy_set_header Via nginx; }
            }
            """
        }
        let response = try await client.send(by(["http_proxy": "http://127.0.0.1:\(nginx.ports[0])"], server.url + "/a?b=c"))
        #expect(response.text == "/a?b=c nginx")
    }

    @Test("the variables that count")
    func variables() {
        func choice(_ variables: [String: String], _ scheme: String) -> String { ProxyChoice(variables, scheme: scheme).proxy }
        let all = ["http_proxy": "a", "https_proxy": "b", "HTTPS_PROXY": "c", "all_proxy": "d", "ALL_PROXY": "e"]
        #expect(choice(all, "http") == "a" && choice(all, "https") == "b")
        #expect(choice(["HTTPS_PROXY": "c", "all_proxy": "d"], "https") == "c" && choice(["HTTP_PROXY": "c", "ALL_PROXY": "e"], "http") == "e")
        #expect(choice(["https_proxy": "", "HTTPS_PROXY": "c"], "https") == "c" && choice([:], "http") == "")
        #expect(ProxyChoice(["no_proxy": "x", "NO_PROXY": "y"], scheme: "http").exceptions == "x")
    }
}

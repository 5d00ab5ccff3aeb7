// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import HTTPClient
import ScriptedServer
import Testing

/// nginx with TLS in front of a scripted server.
struct TLSFront {
    let certificates: TestCertificates
    let nginx: NginxServer
    var port: UInt16 { nginx.ports[0] }
    var url: String { "https://127.0.0.1:\(port)/" }

    /// `more` goes into the server block; `%` stands for the folder of the certificates.
    init(
        of server: ScriptedServer, _ certificates: TestCertificates? = nil, certificate: ((TestCertificates) -> TestCertificates.Pair)? = nil,
        more: String = ""
    ) throws {
        let made = try certificates ?? TestCertificates()
        let pair = certificate?(made) ?? made.server
        self.certificates = made
        nginx = try NginxServer(ports: 1) { ports, _ in
            """
            server {
                listen 127.0.0.1:\(ports[0]) ssl;
                ssl_certificate \(pair.certificate);
                ssl_certificate_key \(pair.key);
                \(more.split(separator: "%", omittingEmptySubsequences: false).joined(separator: made.folder.path))
                location / {
                    proxy_pass \(server.url);
                    proxy_http_version 1.1;
                    proxy_buffering off;
                    proxy_set_header X-Server-Name $ssl_server_name;
                    proxy_set_header X-Client $ssl_client_s_dn;
                    proxy_set_header Host $http_host;
                }
            }
            """
        }
    }
}

@Suite("TLS against nginx: who is trusted, and who we are", .timeLimit(.minutes(1)))
struct TLSTests {
    private let client = HTTPClient()

    private func echo() throws -> ScriptedServer {
        try ScriptedServer { request, connection in
            try connection.respond("\(request.header("x-client") ?? "-") \(request.header("x-server-name") ?? "-") \(request.header("host") ?? "")")
        }
    }

    @Test("the authority counts as a file and as a text, and streams work")
    func trusted() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.startChunks()
            for number in 0..<1000 { try connection.chunk("\(number)\n") }
            try connection.endChunks()
        }
        let front = try TLSFront(of: server)
        let requests = [
            request(front.url) { $0.tls.caFile = front.certificates.authority },
            request(front.url) { $0.tls.caData = front.certificates.text(front.certificates.authority) },
            // The text wins.
            request(front.url) {
                $0.tls.caData = front.certificates.text(front.certificates.authority)
                $0.tls.caFile = "/no/such/file"
            },
        ]
        for request in requests {
            #expect(try await client.send(request).status == 200)
            let stream = try await client.open(request)
            var count = 0
            while let line = try await stream.nextLine(maxBytes: 10) {
                #expect(line == Array("\(count)".utf8))
                count += 1
            }
            #expect(count == 1000)
        }
    }

    @Test("no, another, a missing and a broken authority; an expired certificate; another name")
    func untrusted() async throws {
        let server = try echo()
        let front = try TLSFront(of: server)
        let (certificates, url) = (front.certificates, front.url)
        try certificates.folder.write("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", to: "broken.pem")
        let bad = [
            request(url), request(url) { $0.tls.caFile = certificates.otherAuthority }, request(url) { $0.tls.caFile = "/no/such/file" },
            request(url) { $0.tls.caFile = certificates.file("broken.pem") }, request(url) { $0.tls.caData = Array("nonsense".utf8) },
            request(url) { $0.tls.caData = [] },
            request(url) {
                $0.tls.caFile = certificates.authority
                $0.tls.serverName = "other.test"
            },
        ]
        for (index, request) in bad.enumerated() { #expect(await client.failure(request)?.reason == .tls, "\(index)") }
        let expired = try TLSFront(of: server, certificates, certificate: \.expired)
        #expect(await client.failure(request(expired.url) { $0.tls.caFile = certificates.authority })?.reason == .tls)
        #expect(server.requests.isEmpty)
        // Having trusted once is not having trusted for another request.
        #expect(try await client.send(request(url) { $0.tls.caFile = certificates.authority }).status == 200)
        #expect(await client.failure(request(url))?.reason == .tls)
        #expect(try await client.send(request(expired.url) { $0.tls.insecureSkipVerify = true }).status == 200)
        #expect(await client.failure(request(expired.url) { $0.tls.caFile = certificates.authority })?.reason == .tls)
    }

    @Test("a server is asked for, and checked by, the name that was given, and its Host stays")
    func serverName() async throws {
        let server = try echo()
        let front = try TLSFront(of: server)
        let response = try await client.send(
            request(front.url) {
                $0.tls.caFile = front.certificates.authority
                $0.tls.serverName = "api.test"
            })
        #expect(response.text == "- api.test 127.0.0.1:\(front.port)")
    }

    @Test("a client's certificate, as files and as texts; none, a stranger's, and files that are not there")
    func clientCertificate() async throws {
        let server = try echo()
        let front = try TLSFront(of: server, more: "ssl_client_certificate %/ca.pem; ssl_verify_client on;")
        let certificates = front.certificates
        func asked(_ change: (inout TLSOptions) -> Void) -> HTTPRequest {
            request(front.url) {
                $0.tls.caFile = certificates.authority
                change(&$0.tls)
            }
        }
        let files = asked {
            $0.certificateFile = certificates.client.certificate
            $0.keyFile = certificates.client.key
        }
        let texts = asked {
            $0.certificateData = certificates.text(certificates.client.certificate)
            $0.keyData = certificates.text(certificates.client.key)
        }
        for request in [files, texts] { #expect(try await client.send(request).text.hasPrefix("CN=client ")) }
        // The connection of one who has a certificate is not for one who has none.
        #expect(try await client.send(asked { _ in }).status == 400)
        let stranger = asked {
            $0.certificateFile = certificates.stranger.certificate
            $0.keyFile = certificates.stranger.key
        }
        #expect(try await client.send(stranger).status == 400)
        let wrong = [
            asked { $0.certificateFile = "/no/such/file" },
            asked {
                $0.certificateFile = certificates.client.certificate
                $0.keyFile = "/no/such/file"
            },
            asked {
                $0.certificateFile = certificates.client.certificate
                $0.keyFile = certificates.stranger.key
            },
            asked {
                $0.certificateData = Array("nonsense".utf8)
                $0.keyData = []
            },
        ]
        // Each by a client of its own: an open connection is libcurl's for whoever shows the same certificate, whatever the key.
        for (index, request) in wrong.enumerated() { #expect(await HTTPClient().failure(request)?.reason == .tls, "\(index)") }
        #expect(server.requests.count == 2)
    }

    @Test("files that are replaced count from the next connection on: authorities, certificate and key")
    func replaced() async throws {
        let certificates = try TestCertificates()
        let server = try echo()
        let front = try TLSFront(of: server, certificates, more: "ssl_client_certificate %/ca.pem; ssl_verify_client on; keepalive_timeout 0;")
        func replace(_ name: String, by path: String) throws {
            try certificates.folder.write(String(decoding: certificates.text(path), as: UTF8.self), to: name)
        }
        let asked = request(front.url) {
            $0.tls.caFile = certificates.file("now-ca.pem")
            $0.tls.certificateFile = certificates.file("now.pem")
            $0.tls.keyFile = certificates.file("now.key")
        }
        try replace("now-ca.pem", by: certificates.authority)
        // The server's pair is as good for a client; it has another name.
        for (pair, name) in [(certificates.client, "CN=client"), (certificates.server, "CN=server"), (certificates.client, "CN=client")] {
            try replace("now.pem", by: pair.certificate)
            try replace("now.key", by: pair.key)
            #expect(try await client.send(asked).text.hasPrefix(name + " "))
        }
        try replace("now-ca.pem", by: certificates.otherAuthority)
        #expect(await client.failure(asked)?.reason == .tls)
        try replace("now-ca.pem", by: certificates.authority)
        #expect(try await client.send(asked).status == 200)
        #expect(server.requests.count == 4)
    }

    @Test("a redirect elsewhere takes neither certificate nor name along, and none leads from https to http")
    func redirects() async throws {
        let plain = try echo()
        let second = try TLSFront(of: plain, more: "ssl_client_certificate %/ca.pem; ssl_verify_client optional;")
        let certificates = second.certificates
        let server = try ScriptedServer { request, connection in
            try connection.respond(302, headers: [("Location", request.path == "/plain" ? plain.url : second.url)])
        }
        let first = try TLSFront(of: server, certificates, more: "ssl_client_certificate %/ca.pem; ssl_verify_client on;")
        func asked(_ path: String) -> HTTPRequest {
            request(first.url + path) {
                $0.tls.caFile = certificates.authority
                $0.tls.certificateFile = certificates.client.certificate
                $0.tls.keyFile = certificates.client.key
                $0.tls.serverName = "api.test"
            }
        }
        #expect(try await client.send(asked("")).text == "- - 127.0.0.1:\(second.port)")
        #expect(await client.failure(asked("plain"))?.reason == .redirect)
        #expect(plain.requests.count == 1)
        // Nor the word that any certificate will do.
        let trusting = request(first.url) {
            $0.tls.insecureSkipVerify = true
            $0.tls.certificateFile = certificates.client.certificate
            $0.tls.keyFile = certificates.client.key
        }
        #expect(await client.failure(trusting)?.reason == .tls)
        #expect(plain.requests.count == 1 && server.requests.count == 3)
    }

    @Test("nothing older than TLS 1.2, whatever the server would take")
    func oldVersions() async throws {
        let front = try TLSFront(of: try echo(), more: "ssl_protocols TLSv1 TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0;")
        #expect(await client.failure(request(front.url) { $0.tls.insecureSkipVerify = true })?.reason == .tls)
    }

    @Test("TLS that is none, is reset, or is cut in the middle of an answer")
    func brokenTLS() async throws {
        let plain = try echo()
        #expect(await client.failure(request("https://127.0.0.1:\(plain.port)/"))?.reason == .tls)
        let reset = try ScriptedServer(raw: { connection in
            try connection.pause(.milliseconds(10))
            connection.reset()
        })
        #expect(await client.failure(request("https://127.0.0.1:\(reset.port)/"))?.reason == .tls)
        let server = try ScriptedServer { _, connection in
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
            connection.close()
        }
        let front = try TLSFront(of: server)
        #expect(await client.failure(request(front.url) { $0.tls.caFile = front.certificates.authority })?.reason == .closed)
    }

    @Test("nginx over a unix socket, and its own gzip")
    func unixSocket() async throws {
        let nginx = try NginxServer(ports: 1) { ports, folder in
            """
            gzip on; gzip_types text/plain; gzip_min_length 1;
            server {
                listen 127.0.0.1:\(ports[0]);
                listen unix:\(folder)/socket;
                location / { default_type text/plain; return 200 "\(String(repeating: "hello ", count: 200))"; }
            }
            """
        }
        let socket = "\(nginx.folder.path)/socket"
        let plain = try await client.send(request("http://localhost/") { $0.unixSocket = socket })
        #expect(plain.body.count == 1200 && plain.headers["content-encoding"] == nil)
        let packed = try await client.send(
            request("http://localhost/") {
                $0.unixSocket = socket
                $0.acceptsGzip = true
            })
        #expect(packed.body == plain.body && packed.headers["content-encoding"] == "gzip")
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One request with its limits. Times start when `send` or `open` is called, waiting for a free transfer included.
public struct HTTPRequest: Sendable {
    public var method = "GET"
    /// `http` or `https`, without user and password.
    public var url: String
    /// Sent as they are, in this order. Content-Length, Transfer-Encoding and Expect are the client's own.
    public var headers: [(name: String, value: String)] = []
    public var body: [UInt8] = []

    /// Names of headers that, like Authorization and Cookie, go to no other origin than that of `url`.
    public var secretHeaders: [String] = []

    /// Looking the name up, connecting and the TLS handshake, each attempt.
    public var connectTimeout: Duration = .seconds(5)
    /// `send`: everything. `open`: until the head is there; what bounds the body is `idleTimeout` and `streamTimeout`.
    public var totalTimeout: Duration? = .seconds(30)
    /// No byte came or went for so long on a connection that stands. The time in which a stream's reader let the server wait
    /// does not count.
    public var idleTimeout: Duration? = .seconds(30)
    /// `open`: everything. nil for a stream that may live as long as its server.
    public var streamTimeout: Duration?
    /// `open`: after a small piece of the body the next is looked for so much later, and what came meanwhile is one piece. For
    /// streams of many small messages, each of which would wake two threads. Zero: every piece at once.
    public var gatherTime: Duration = .zero

    /// `send`: bytes of the body, after decompression.
    public var maxBodyBytes = 4 << 20
    /// `open`: bytes of the body altogether. They are never in memory at once, so there is no limit unless set.
    public var maxStreamBytes = Int.max
    /// Bytes of all heads of one answer, interim ones and trailers included.
    public var maxHeaderBytes = 64 << 10
    /// With 0 a redirect is an answer like any other.
    public var maxRedirects = 3
    /// `send`: offers gzip, and unpacks. Streams come as they are.
    public var acceptsGzip = false

    public var tls = TLSOptions()
    public var proxy = Proxy.environment
    /// Connects to this file, whatever host the URL names; then no proxy is asked and no redirect leads elsewhere.
    public var unixSocket: String?

    public init(_ url: String) { self.url = url }
}

/// How a server is trusted, and how it may trust us. TLS 1.2 at least.
public struct TLSOptions: Sendable, Equatable {
    /// PEM file, or PEM text, of the only authorities that count; neither: the system's. The text wins. The file is read for each new
    /// connection, the system's authorities once a day.
    public var caFile: String?
    public var caData: [UInt8]?
    /// The client's certificate (with what stands between it and its authority) and key, as PEM files or PEM texts. Read for each
    /// new connection, so that replaced files count from the next one on. They go to no other origin than the URL's.
    public var certificateFile: String?
    public var keyFile: String?
    public var certificateData: [UInt8]?
    public var keyData: [UInt8]?
    /// The name that the server's certificate must have, and that it is asked for, instead of the URL's host.
    public var serverName: String?
    /// Takes any certificate: whoever is in between reads and changes everything.
    public var insecureSkipVerify = false

    public init() {}
}

/// Which proxy a request goes by.
public enum Proxy: Sendable, Equatable {
    /// As `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` said when the client was made; upper case counts too, but not
    /// `HTTP_PROXY`, which a CGI program gets from its client.
    case environment
    /// As these variables say.
    case variables([String: String])
    case none
}

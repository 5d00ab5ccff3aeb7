// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// HTTP/1.1 over libcurl on one thread of its own, many transfers at once.
///
/// Inert until the first request. The thread and every descriptor go with the last reference; a stream that is still read is one.
public final class HTTPClient: Sendable {
    private let engine: EngineLease

    public init(_ options: HTTPClientOptions = HTTPClientOptions()) { engine = EngineLease(options) }

    /// What the thread holds, and must let go of when it ends: for tests.
    package var heldByThread: any AnyObject & Sendable { engine.engine }

    /// The whole answer, whatever its status. Cancelling the task cancels the transfer.
    public func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let exchange = try engine.start(request, isStream: false)
        // The lease lives to the end of the exchange, even if the client does not.
        defer { withExtendedLifetime(engine) {} }
        return try await exchange.whole()
    }

    /// The head first, then the body as it arrives. While at most `HTTPClientOptions.streamBufferBytes` wait to be read the server
    /// may go on. Cancelling the task cancels the transfer.
    public func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        precondition(!request.acceptsGzip, "streams are not unpacked")
        let exchange = try engine.start(request, isStream: true)
        defer { withExtendedLifetime(engine) {} }
        return HTTPStream(try await exchange.headed(), exchange, engine)
    }
}

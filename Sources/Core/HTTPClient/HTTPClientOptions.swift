// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The bounds of one client.
public struct HTTPClientOptions: Sendable {
    /// Transfers at the same time; each may be a connection.
    public var maxTransfers = 64
    /// Requests that wait for one of those to end; one more fails with `busy`.
    public var maxWaiting = 1024
    /// Idle connections that are kept for the next request to the same server.
    public var maxIdleConnections = 8
    /// Bytes of a stream that wait for their reader before the connection is left alone, and so the server. A piece of libcurl's,
    /// at most 16 KiB, may wait beside them.
    public var streamBufferBytes = 256 << 10
    /// The User-Agent of requests that have none.
    public var userAgent = "weir"

    /// The thread's name in lists of threads; at most 15 bytes of it are kept.
    public var threadName = "http"

    public init() {}
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A question to the host's listener, reduced to what plugins need.
public struct HTTPQuestion: Sendable {
    public let path: String
    /// The `Accept` header; empty when there was none.
    public let accept: String

    public init(path: String, accept: String) {
        self.path = path
        self.accept = accept
    }
}

/// An answer whose body is written piece by piece.
public struct HTTPAnswer: Sendable {
    public typealias Write = @Sendable ([UInt8]) async throws -> Void

    public let status: Int
    public let contentType: String
    public let body: @Sendable (Write) async throws -> Void

    public init(status: Int = 200, contentType: String, body: @escaping @Sendable (Write) async throws -> Void) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// A short text.
    public init(status: Int = 200, _ text: String) {
        self.init(status: status, contentType: "text/plain; charset=utf-8") { write in try await write(Array(text.utf8)) }
    }
}

/// The paths that the host's listener answers; plugins add theirs in `run`, and take them away when they end.
public final class HTTPRoutes: Sendable {
    public typealias Handler = @Sendable (HTTPQuestion) async -> HTTPAnswer
    private let handlers = Mutex<[String: (token: UInt64, handler: Handler)]>([:])
    private let tokens = Atomic<UInt64>(0)

    public init() {}

    /// Answers `path` until the calling task is cancelled. A later caller takes the path over.
    public func serve(_ path: String, _ handler: @escaping Handler) async throws {
        let token = tokens.wrappingAdd(1, ordering: .relaxed).newValue
        handlers.withLock { $0[path] = (token, handler) }
        defer { handlers.withLock { if $0[path]?.token == token { $0[path] = nil } } }
        while true { try await Task.sleep(for: .seconds(3600)) }
    }

    public func handler(for path: String) -> Handler? { handlers.withLock { $0[path]?.handler } }

    public var paths: [String] { handlers.withLock { $0.keys.sorted() } }
}

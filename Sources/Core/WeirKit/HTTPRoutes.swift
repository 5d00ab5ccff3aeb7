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

    /// Why a path is not answered by who asked for it.
    public struct PathTaken: Error, CustomStringConvertible {
        public let path: String
        /// Who answers it, where that is known.
        var owner: String?

        public var description: String {
            "the path \(path) is answered by \(owner ?? "another stage, or by the host itself"); give this one a path of its own"
        }
    }

    private struct Served {
        let token: UInt64
        let generation: UInt64
        let handler: Handler
    }

    /// What all generations share.
    private final class Table: Sendable {
        let served = Mutex<[String: Served]>([:])
        let numbers = Atomic<UInt64>(0)
        var next: UInt64 { numbers.wrappingAdd(1, ordering: .relaxed).newValue }
    }

    private let table: Table
    private let generation: UInt64
    private let reserved: Set<String>
    /// Who will answer which path, by the stages of this configuration.
    private let claims = Mutex<[String: String]>([:])

    /// `reserved` are the paths that the host itself answers.
    public init(reserved: Set<String> = []) {
        table = Table()
        generation = 0
        self.reserved = reserved
    }

    private init(after routes: HTTPRoutes) {
        table = routes.table
        generation = routes.table.next
        reserved = routes.reserved
    }

    /// The same paths, for the stages of a newer configuration: they take paths over from older ones, not from each other.
    public func successor() -> HTTPRoutes { HTTPRoutes(after: self) }

    /// Says, while a stage is being made, that `instance` will `serve` this path: so two that want one path are a mistake that
    /// `weir check` tells, not one that shows when both run.
    public func claim(_ path: String, by instance: String) throws(PathTaken) {
        guard !reserved.contains(path) else { throw PathTaken(path: path, owner: "the host itself") }
        let mine = "'\(instance)'"
        let owner = claims.withLock { claims -> String? in
            if let owner = claims[path] { return owner == mine ? nil : owner }
            claims[path] = mine
            return nil
        }
        if let owner { throw PathTaken(path: path, owner: owner) }
    }

    /// The paths that `instance`, which goes on over a reload, claimed when it was made.
    package func claimAgain(by instance: String, from earlier: HTTPRoutes) throws(PathTaken) {
        let paths = earlier.claims.withLock { claims in claims.filter { $0.value == "'\(instance)'" }.keys.sorted() }
        for path in paths { try claim(path, by: instance) }
    }

    /// Answers `path` until the calling task is cancelled; throws ``PathTaken`` while somebody else of the same
    /// configuration, or of a newer one, does.
    public func serve(_ path: String, _ handler: @escaping Handler) async throws {
        guard !reserved.contains(path) else { throw PathTaken(path: path) }
        let token = table.next
        let isMine = table.served.withLock { served in
            if let other = served[path], other.generation >= generation { return false }
            served[path] = Served(token: token, generation: generation, handler: handler)
            return true
        }
        guard isMine else { throw PathTaken(path: path) }
        defer { table.served.withLock { if $0[path]?.token == token { $0[path] = nil } } }
        while true { try await Task.sleep(for: .seconds(3600)) }
    }

    public func handler(for path: String) -> Handler? { table.served.withLock { $0[path]?.handler } }

    public var paths: [String] { table.served.withLock { $0.keys.sorted() } }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import ScriptedServer
internal import Synchronization

/// `FakeAPI` behind a socket: each connection has a thread, which polls its watch.
package final class FakeKubernetes: Sendable {
    private final class Shared: Sendable {
        let api: Mutex<FakeAPI>
        /// Grows when all watches are to be cut.
        let cuts = Mutex(0)

        init(_ api: FakeAPI) { self.api = Mutex(api) }
    }

    private let shared: Shared
    private let server: ScriptedServer

    /// `http://127.0.0.1:40123`.
    package var url: String { server.url }
    package var port: UInt16 { server.port }
    /// What came that no client should send.
    package var failures: [String] { server.failures }
    package var requests: [ScriptedRequest] { server.requests }

    /// Listens at once; port 0 lets the kernel choose. `poll` is how often a watch looks for changes, `bookmarks` how often it tells a version.
    package init(
        _ api: FakeAPI = FakeAPI(), address: String = "127.0.0.1", port: UInt16 = 0, poll: Duration = .milliseconds(5),
        bookmarks: Duration = .seconds(1)
    ) throws {
        let shared = Shared(api)
        self.shared = shared
        server = try ScriptedServer(on: .tcp(address, port: port)) { request, connection in
            let token = request.header("Authorization").map { String($0.dropFirst("Bearer ".count)) }
            let answer = shared.api.withLock { $0.answer(request.target, token: token, accept: request.header("Accept") ?? "") }
            try Self.send(answer, connection, shared, poll, bookmarks)
        }
    }

    /// Changes what there is, or what goes wrong, in one move.
    @discardableResult package func change<Result: Sendable>(_ body: (inout FakeAPI) throws -> sending Result) rethrows -> Result {
        try shared.api.withLock { api in try body(&api) }
    }

    /// Breaks every watch that is under way.
    package func cutWatches() { shared.cuts.withLock { $0 += 1 } }

    package func stop() { server.stop() }

    /// Serves until the process is killed.
    package func serve() -> Never { server.serve() }

    private static func send(
        _ answer: FakeAnswer, _ connection: ScriptedConnection, _ shared: Shared, _ poll: Duration, _ bookmarks: Duration
    ) throws {
        var headers = [("Content-Type", "application/json")]
        if let seconds = answer.retryAfterSeconds { headers.append(("Retry-After", String(seconds))) }
        var carrier = FaultyCarrier(connection, answer.fault)
        if case .html? = answer.fault {
            return try connection.respond(200, headers: [("Content-Type", "text/html")], "<!doctype html><title>Sign in</title>\n")
        }
        try connection.startChunks(answer.status, headers: headers)
        switch answer.body {
        case .whole(let bytes):
            try carrier.send(bytes)
            if connection.isClosed { return }
            try connection.endChunks()
        case .watch(var watch):
            let cuts = shared.cuts.withLock { $0 }
            let end = ContinuousClock.now + .seconds(watch.timeoutSeconds)
            var nextBookmark = ContinuousClock.now + bookmarks
            try carrier.send([])
            while ContinuousClock.now < end, !watch.isOver, !connection.isClosed {
                if shared.cuts.withLock({ $0 }) != cuts { return connection.reset() }
                var lines = shared.api.withLock { $0.poll(&watch) }
                if ContinuousClock.now >= nextBookmark {
                    lines += shared.api.withLock { $0.bookmark(watch) }
                    nextBookmark = ContinuousClock.now + bookmarks
                }
                if lines.isEmpty { try connection.pause(poll) } else { try carrier.send(lines) }
            }
            if !connection.isClosed { try connection.endChunks() }
        }
    }
}

/// Sends a body as a fault wants it.
private struct FaultyCarrier {
    let connection: ScriptedConnection
    let fault: FakeFault.Kind?
    var sent = 0
    var isFirst = true

    init(_ connection: ScriptedConnection, _ fault: FakeFault.Kind?) {
        self.connection = connection
        self.fault = fault
    }

    mutating func send(_ bytes: [UInt8]) throws {
        var bytes = bytes
        if isFirst, case .garbage(let text)? = fault { bytes = Array(text.utf8) + bytes }
        isFirst = false
        switch fault {
        case .silence: try connection.hang()
        case .cut(let limit):
            try connection.chunk(Array(bytes.prefix(max(0, limit - sent))))
            sent += bytes.count
            if sent >= limit { connection.reset() }
        case .slow(let count, let milliseconds):
            var rest = bytes[...]
            while !rest.isEmpty {
                try connection.chunk(Array(rest.prefix(max(1, count))))
                rest = rest.dropFirst(max(1, count))
                try connection.pause(.milliseconds(milliseconds))
            }
        case .status, .garbage, .html, nil:
            for start in stride(from: 0, to: bytes.count, by: 256 << 10) { try connection.chunk(Array(bytes[start...].prefix(256 << 10))) }
        }
    }
}

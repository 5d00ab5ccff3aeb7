// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// A small HTTP/1.1 server whose answers a test writes byte by byte: the only way to see what a client makes of a server that lies,
/// stalls, cuts or floods. A thread waits for connections, and each connection has a thread of its own, so that a handler may block.
///
/// Ends with `stop()` or its last reference; every connection is closed then and every thread gone.
package final class ScriptedServer: Sendable {
    /// Answers one request on the connection's own thread. When it returns, the connection waits for the next request unless it
    /// was closed or the client asked for that. A thrown `ConnectionGone` ends the connection quietly, any other error is noted
    /// in `failures`.
    package typealias Handler = @Sendable (_ request: ScriptedRequest, _ connection: ScriptedConnection) throws -> Void

    /// Where a server listens.
    package enum Place: Sendable {
        /// A numeric address of either family; port 0 lets the kernel choose.
        case tcp(_ address: String = "127.0.0.1", port: UInt16 = 0)
        /// A file that must not be there yet, and is removed at the end.
        case unix(path: String)
    }

    /// The port that was chosen; 0 for a unix socket.
    package var port: UInt16 { core.port }
    /// `http://127.0.0.1:40123`, without a slash at the end; `http://localhost` for a unix socket.
    package var url: String { core.url }
    /// The requests in the order in which their last byte came, at most the newest 10,000.
    package var requests: [ScriptedRequest] { core.state.withLock { $0.requests } }
    /// What went wrong in handlers and what was no HTTP request; a test that expects none checks that it is empty.
    package var failures: [String] { core.state.withLock { $0.failures } }
    /// Connections since the start.
    package var acceptedConnections: Int { core.state.withLock { $0.accepted } }
    /// Connections that are open now.
    package var openConnections: Int { core.state.withLock { $0.open.count } }

    private let core: ServerCore

    /// Listens at once: a request sent after this is answered by `handler`.
    package convenience init(on place: Place = .tcp(), _ handler: @escaping Handler) throws {
        try self.init(
            on: place,
            raw: { connection in
                while let request = try connection.nextRequest() {
                    try handler(request, connection)
                    if connection.isClosed || request.wantsClose { return }
                }
            })
    }

    /// The same, but nothing is read from a connection unless `script` does: for servers that answer before they were asked,
    /// reset at once, or leave the client's bytes lying.
    package init(on place: Place = .tcp(), raw script: @escaping @Sendable (_ connection: ScriptedConnection) throws -> Void) throws {
        core = try ServerCore(place, script)
        core.start()
    }

    deinit { core.stop() }

    /// Closes the listener and every connection, and returns when their threads have ended.
    package func stop() { core.stop() }

    /// Waits until so many requests have come, and gives those that are there when the time is over.
    package func waitForRequests(_ count: Int, within time: Duration = .seconds(10)) async -> [ScriptedRequest] {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end, !Task.isCancelled {
            let now = requests
            if now.count >= count { return now }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return requests
    }

    /// Serves until the process is killed: the last line of a small program that is a server.
    package func serve() -> Never {
        while true { pause() }
    }
}

/// What the server's threads share. They hold it, not the server, so that the server can end with its last reference.
final class ServerCore: Sendable {
    struct State: Sendable {
        var requests: [ScriptedRequest] = []
        var failures: [String] = []
        var accepted = 0
        /// Descriptors by connection number. One is closed by its own thread alone, and leaves this list first: so none is shut
        /// down that the kernel has given to somebody else.
        var open: [Int: Int32] = [:]
        var threads = 0
        var isStopped = false
    }

    let state = Mutex(State())
    let port: UInt16
    let url: String
    private let listener: Int32
    private let path: String?
    private let script: @Sendable (ScriptedConnection) throws -> Void

    init(_ place: ScriptedServer.Place, _ script: @escaping @Sendable (ScriptedConnection) throws -> Void) throws {
        self.script = script
        switch place {
        case .tcp(let address, let wanted):
            listener = try Sockets.listen(address: address, port: wanted)
            port = Sockets.port(of: listener)
            url = "http://\(address.contains(":") ? "[\(address)]" : address):\(port)"
            path = nil
        case .unix(let file):
            listener = try Sockets.listen(path: file)
            port = 0
            url = "http://localhost"
            path = file
        }
    }

    func start() {
        state.withLock { $0.threads += 1 }
        ServerThread.start { [self] in
            while let descriptor = Sockets.accept(listener) { serve(descriptor) }
            leave()
        }
    }

    private func serve(_ descriptor: Int32) {
        let number: Int? = state.withLock {
            guard !$0.isStopped else { return nil }
            $0.accepted += 1
            $0.threads += 1
            $0.open[$0.accepted] = descriptor
            return $0.accepted
        }
        guard let number else {
            close(descriptor)
            return
        }
        ServerThread.start { [self] in
            let connection = ScriptedConnection(descriptor, number: number) { [self] request in note(request) }
            do { try script(connection) } catch is ConnectionGone {} catch {
                state.withLock { if !$0.isStopped { $0.failures.append("\(error)") } }
            }
            _ = state.withLock { $0.open.removeValue(forKey: number) }
            connection.finish()
            leave()
        }
    }

    private func note(_ request: ScriptedRequest) {
        state.withLock {
            if $0.requests.count >= 10_000 { $0.requests.removeFirst(5000) }
            $0.requests.append(request)
        }
    }

    private func leave() { state.withLock { $0.threads -= 1 } }

    func stop() {
        let isFirst = state.withLock { state in
            defer { state.isStopped = true }
            // Wakes whatever waits on them.
            for descriptor in state.open.values { shutdown(descriptor, Int32(SHUT_RDWR)) }
            return !state.isStopped
        }
        guard isFirst else { return }
        shutdown(listener, Int32(SHUT_RDWR))
        while state.withLock({ $0.threads > 0 }) { usleep(500) }
        close(listener)
        // The text lives during the call.
        if let path { unsafe unlink(path) }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import Logging
internal import Synchronization
package import WeirKit
internal import WeirPipeline

/// The agent's side of `weir tap`: one thread with a socket, up to four clients, and nothing to do while there are none.
package final class TapServer: Sendable {
    /// Whoever comes beyond is told so.
    package static let maxClients = 4
    /// Who may listen beside root, where the system has the group.
    static let group = "weir"

    enum Order: Sendable {
        case prepare(TapContext, Gate<Void>)
        case settle(isGood: Bool, Gate<Void>)
        case stop(String, Gate<Void>)
    }

    let socket: SocketFile
    private let bell: Bell
    private let orders = Mutex<[Order]>([])

    /// From here on clients may come.
    package init(at path: String, _ context: TapContext, registry: MetricRegistry, log: Logger) throws(SocketFile.Problem) {
        do throws(SystemError) { bell = try Bell() } catch { throw SocketFile.Problem(description: "\(error)") }
        socket = try SocketFile(at: path, group: Self.group)
        DedicatedThread.start("weir-tap") { [self] in
            var loop = TapLoop(socket, bell, context, registry: registry, log: log)
            loop.run {
                orders.withLock { taken in
                    defer { taken = [] }
                    return taken
                }
            }
        }
    }

    /// Connects the clients to a pipeline that does not run yet, so that none of its records passes them by.
    package func prepare(_ next: TapContext) async { await send { .prepare(next, $0) } }

    /// The pipeline of `prepare` took over, or never will.
    package func settle(isGood: Bool) async { await send { .settle(isGood: isGood, $0) } }

    /// Sends the clients away, `why` last, and takes the socket away.
    package func stop(_ why: String) async { await send { .stop(why, $0) } }

    private func send(_ order: (Gate<Void>) -> Order) async {
        let done = Gate<Void>()
        orders.withLock { $0.append(order(done)) }
        bell.ring()
        await done.wait()
    }
}

/// What the thread of the tap does: wait for clients, for room in their sockets, for records and for orders.
private struct TapLoop: ~Copyable {
    private let socket: SocketFile
    private let bell: Bell
    private let log: Logger
    private let talk = RateLimited()
    private let registry: MetricRegistry
    private let book: TapBook
    private let clients: Cell
    private var connections: [TapConnection] = []
    private var context: TapContext
    private var next: TapContext?
    /// No descriptor was free: looking again at once would only burn time.
    private var acceptsAgain: ContinuousClock.Instant?
    private var stopping: [Gate<Void>] = []

    init(_ socket: SocketFile, _ bell: Bell, _ context: TapContext, registry: MetricRegistry, log: Logger) {
        self.socket = socket
        self.bell = bell
        self.context = context
        self.registry = registry
        self.log = log
        book = TapBook(registry)
        clients = registry.gauge("weir_tap_clients", "Clients of weir tap that get records.")
    }

    mutating func run(orders: () -> [TapServer.Order]) {
        while stopping.isEmpty || !connections.isEmpty {
            if let again = acceptsAgain, again <= .now { acceptsAgain = nil }
            let accepts = stopping.isEmpty && acceptsAgain == nil
            var watches = [UnixSocket.Watch(bell.descriptor), UnixSocket.Watch(socket.descriptor, reads: accepts)] + connections.map(\.watch)
            UnixSocket.wait(for: &watches, milliseconds: timeout)
            bell.quiet()
            for order in orders() { obey(order) }
            for (connection, watch) in zip(connections, watches.dropFirst(2)) {
                if let problem = connection.turn(watch, context) { refused(problem.reason) }
            }
            connections.removeAll(where: \.isOver)
            if watches[1].isReadable, stopping.isEmpty { accept() }
            clients.set(UInt64(connections.count(where: \.isStreaming)))
        }
        for done in stopping { done.open() }
    }

    /// Until the first deadline, in milliseconds rounded up.
    private var timeout: Int32? {
        guard let first = (connections.compactMap(\.deadline) + [acceptsAgain].compactMap { $0 }).min() else { return nil }
        return Int32(clamping: max(0, ContinuousClock.now.duration(to: first).milliseconds + 1))
    }

    private func refused(_ reason: TapProblem.Reason) {
        registry.counter(
            "weir_tap_refused_total", "Clients of weir tap that were sent away.", [("reason", reason.rawValue)]
        ).add()
    }

    private mutating func accept() {
        do throws(SystemError) {
            while let descriptor = try UnixSocket.accept(socket.descriptor) {
                if connections.count < TapServer.maxClients {
                    let bell = bell
                    connections.append(TapConnection(descriptor, TapQueue(book) { bell.ring() }))
                } else {
                    refused(.full)
                    // A new socket has room for a line.
                    let full = TapProblem(.full, "\(TapServer.maxClients) clients are there already, and no more may be")
                    _ = try? UnixSocket.write(full.line, from: 0, to: descriptor)
                    UnixSocket.close(descriptor)
                }
            }
        } catch {
            acceptsAgain = .now + .seconds(1)
            if let quiet = talk.pass() { log.warning("tap: no client can come", metadata: ["error": "\(error)", "unsaid": "\(quiet)"]) }
        }
    }

    private mutating func obey(_ order: TapServer.Order) {
        switch order {
        case .prepare(let coming, let done):
            next = coming
            for connection in connections { connection.prepare(coming) }
            done.open()
        case .settle(let isGood, let done):
            if let next {
                for connection in connections { connection.settle(next, isGood: isGood) }
                if isGood { context = next }
            }
            next = nil
            done.open()
        case .stop(let why, let done):
            socket.remove()
            for connection in connections { connection.leave(TapProblem(.ended, why)) }
            stopping.append(done)
        }
    }
}

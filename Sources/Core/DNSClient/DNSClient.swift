// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibCAres
internal import Synchronization
public import WeirKit

/// How questions are asked.
public struct DNSClientOptions: Sendable, Equatable {
    /// More servers are not asked (DNS_MAX_SERVERS).
    public static let maxServers = 8

    /// Whom to ask, the first eight; empty: whom the system asks when the first question is asked.
    public var servers: [DNSServer] = []
    /// How long each message waits for its answer.
    public var timeout: Duration = .seconds(2)
    /// Messages per question at most, over all servers. A server's own complaint (SERVFAIL, REFUSED) is taken to the next server, if there
    /// is one; silence also to the same again.
    public var tries = 2
    /// Questions open at once; more are answered `busy`.
    public var maxOpen = 1024

    public init() {}
}

/// Asks DNS servers for the names of addresses: c-ares on one thread of its own. Inert until the first question; ends with its last reference.
public final class DNSClient: Sendable {
    private typealias Asker = CheckedContinuation<PointerReply, Never>

    private struct State {
        var loop: DNSLoop?
        var last: UInt64 = 0
        var open: [UInt64: Open] = [:]
    }

    private struct Open {
        var question: String
        var asker: Asker
    }

    /// Apart from the client: the thread holds it, and the client's end is what ends the thread.
    private final class Core: Sendable {
        let state = Mutex(State())
    }

    private let options: DNSClientOptions
    private let core = Core()

    public init(_ options: DNSClientOptions = DNSClientOptions()) { self.options = options }

    deinit { core.state.withLock { $0.loop?.stop() } }

    /// Whom the system is set up to ask now. Reads `/etc/resolv.conf`.
    public static var systemServers: [DNSServer] { DNSLoop.systemServers() }

    /// Asks for the names of `address`. Takes `timeout` × `tries` at most; cancelling the task ends the question at once.
    public func pointer(of address: IPAddress) async -> PointerReply {
        let question = PointerName.text(of: address)
        let id = core.state.withLock { state in
            state.last += 1
            return state.last
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { asker in
                if let failure = begin(id, Open(question: question, asker: asker)) {
                    asker.resume(returning: PointerReply(.failed(failure), messages: 0))
                }
            }
        } onCancel: {
            cancel(id)
        }
    }

    /// Nil when the thread has the question.
    private func begin(_ id: UInt64, _ open: Open) -> DNSFailure? {
        core.state.withLock { state in
            // Cancelled before: `cancel` found nothing to end.
            if Task.isCancelled { return .cancelled }
            guard state.open.count < options.maxOpen else { return .busy }
            if state.loop == nil { state.loop = makeLoop() }
            guard let loop = state.loop else { return .busy }
            state.open[id] = open
            guard loop.ask(id, open.question) else {
                state.open[id] = nil
                return .busy
            }
            return nil
        }
    }

    private func makeLoop() -> DNSLoop? {
        let servers = options.servers.isEmpty ? Self.systemServers : options.servers
        guard !servers.isEmpty else { return nil }
        let core = core
        return DNSLoop(
            options, servers: servers,
            DNSLoop.Listener { id, outcome in
                guard let open = core.state.withLock({ $0.open.removeValue(forKey: id) }) else { return }
                open.asker.resume(returning: PointerReply(Self.answer(outcome, to: open.question), messages: outcome.messages))
            })
    }

    private func cancel(_ id: UInt64) {
        let open = core.state.withLock { state in
            let open = state.open.removeValue(forKey: id)
            if open != nil { state.loop?.cancel(id) }
            return open
        }
        open?.asker.resume(returning: PointerReply(.failed(.cancelled), messages: 0))
    }

    private static func answer(_ outcome: DNSLoop.Outcome, to question: String) -> PointerAnswer {
        switch outcome.status {
        case DNS_REPLIED: PointerDecoder.answer(in: outcome.reply, to: question)
        case DNS_TIMED_OUT: .failed(.timeout)
        case DNS_UNREACHABLE: .failed(.unreachable)
        default: .failed(.busy)
        }
    }
}

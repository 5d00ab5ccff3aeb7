// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibCurl
internal import Synchronization

/// The way to the thread that libcurl runs on. The thread starts with the first exchange and holds the engine; it ends when the
/// lease does.
final class Engine: Sendable {
    enum Command: Sendable {
        case start(Exchange)
        /// There is room again for a stream's bytes.
        case resume(UInt64)
        /// Nobody wants the exchange any more.
        case remove(UInt64)
    }

    private struct State {
        var commands: [Command] = []
        /// While the thread runs; curl_multi_wakeup is called under the lock, so that the handle is there.
        var multi: MultiHandle?
        var isStopped = false
        /// Exchanges that were taken and have not ended.
        var open = 0
        var lastNumber: UInt64 = 0
    }

    let options: HTTPClientOptions
    let environment = ProxyChoice.environment()
    private let state = Mutex(State())

    init(_ options: HTTPClientOptions) { self.options = options }

    func start(_ request: HTTPRequest, isStream: Bool) throws(HTTPError) -> Exchange {
        let first = try Hop(request)
        return try state.withLock { (state) throws(HTTPError) in
            guard state.open < options.maxTransfers + options.maxWaiting else {
                throw HTTPError(.busy, "reach \(first.url.place): \(state.open) requests are under way or wait already")
            }
            try run(&state)
            state.open += 1
            state.lastNumber += 1
            let exchange = Exchange(state.lastNumber, request, first, isStream: isStream, self)
            send(.start(exchange), &state)
            return exchange
        }
    }

    func post(_ command: Command) { state.withLock { send(command, &$0) } }

    /// Ends the thread, and everything that is under way.
    func stop() {
        state.withLock {
            $0.isStopped = true
            $0.multi?.wake()
        }
    }

    private func send(_ command: Command, _ state: inout State) {
        guard let multi = state.multi else { return }
        state.commands.append(command)
        // One byte in libcurl's pipe wakes it for all of them.
        if state.commands.count == 1 { multi.wake() }
    }

    /// Makes the thread unless it runs.
    private func run(_ state: inout State) throws(HTTPError) {
        guard state.multi == nil else { return }
        guard CLibCurl_start(), let multi = MultiHandle(idleConnections: options.maxIdleConnections) else {
            throw HTTPError(.connect, "start libcurl")
        }
        // Retained here and released by the thread when it ends.
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        state.multi = multi
        let code = unsafe CLibCurl_run(options.threadName, { unsafe Unmanaged<Engine>.fromOpaque($0!).takeRetainedValue().loop() }, context)
        if code != 0 {
            unsafe Unmanaged<Engine>.fromOpaque(context).release()
            state.multi = nil
            multi.close()
            throw HTTPError(.connect, "make a thread for libcurl: error \(code)")
        }
    }

    // MARK: On the thread

    private func loop() {
        guard let multi = state.withLock({ $0.multi }) else { return }
        let loop = TransferLoop(self, multi)
        while let commands = take() { loop.turn(commands) }
        loop.close()
        let late = state.withLock { state in
            state.multi = nil
            defer { state.commands = [] }
            return state.commands
        }
        // Came too late to be looked at. An exchange holds the engine, which must not hold it.
        for case .start(let exchange) in late { exchange.finish(.failed(.cancelled)) }
        multi.close()
    }

    /// What was asked since the last time; nil when everything is to end.
    private func take() -> [Command]? {
        state.withLock { state in
            guard !state.isStopped else { return nil }
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// An exchange has ended.
    func left() { state.withLock { $0.open -= 1 } }
}

/// Ends its engine with its own last reference: held by the client, by every open stream, and by every call that waits.
final class EngineLease: Sendable {
    let engine: Engine
    init(_ options: HTTPClientOptions) { engine = Engine(options) }
    deinit { engine.stop() }

    func start(_ request: HTTPRequest, isStream: Bool) throws(HTTPError) -> Exchange { try engine.start(request, isStream: isStream) }
}

/// libcurl's multi handle. `@unchecked`: made by one thread, then used by the engine's alone but for `wake`, which may come from any.
@safe
struct MultiHandle: @unchecked Sendable {
    // Alive from init to `close`, which the thread calls last, after it has taken the handle out of the engine's state.
    private let multi: UnsafeMutableRawPointer

    init?(idleConnections: Int) {
        guard let multi = unsafe CLibCurl_multi(idleConnections) else { return nil }
        unsafe self.multi = multi
    }

    func close() { unsafe curl_multi_cleanup(multi) }
    func wake() { unsafe curl_multi_wakeup(multi) }

    func add(_ transfer: Transfer) -> Bool { unsafe curl_multi_add_handle(multi, transfer.easy) == CURLM_OK }
    func remove(_ transfer: Transfer) { unsafe curl_multi_remove_handle(multi, transfer.easy) }

    /// Moves every transfer on; false when libcurl cannot, for want of memory.
    func perform() -> Bool {
        var running: Int32 = 0
        return unsafe curl_multi_perform(multi, &running) == CURLM_OK
    }

    /// Waits for something to do, at most so long; false when the system does not let it.
    func poll(milliseconds: Int32) -> Bool { unsafe curl_multi_poll(multi, nil, 0, milliseconds, nil) == CURLM_OK }

    /// The next transfer that has ended.
    func nextDone() -> (Transfer, CURLcode)? {
        var code = CURLE_OK
        guard let handle = unsafe CLibCurl_next_done(multi, &code) else { return nil }
        // The loop holds each transfer until it has taken it out of the multi handle.
        return (unsafe Unmanaged<Transfer>.fromOpaque(CLibCurl_context(handle)!).takeUnretainedValue(), code)
    }
}

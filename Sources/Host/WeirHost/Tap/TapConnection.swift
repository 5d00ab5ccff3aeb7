// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline

/// One client at the agent's socket, from its first byte to its last. Owned by the thread of the listener; never waits.
final class TapConnection {
    private enum State {
        /// The request is not complete yet.
        case asking(until: ContinuousClock.Instant)
        case streaming
        /// What waits is sent, and no more comes.
        case leaving(until: ContinuousClock.Instant)
        case over
    }

    /// For the one line of a request.
    static let timeToAsk = Duration.seconds(2)
    /// For what still waits when a client is sent away.
    static let timeToLeave = Duration.milliseconds(500)
    /// So much is made at once; a socket takes about as much.
    private static let outputBytes = 64 << 10

    private let descriptor: Int32
    private let queue: TapQueue
    private var state: State
    private var input: [UInt8] = []
    /// A client may close its half behind the request, as `nc -N` does.
    private var isInputOpen = true
    private var request: TapRequest?
    /// The one that runs; the one before it, whose records may still wait; the one of a reload that is not through yet.
    private var current: (tap: LiveTap, context: TapContext)?
    private var former: (tap: LiveTap, context: TapContext)?
    private var coming: (tap: LiveTap, context: TapContext)?
    private var output: [UInt8] = []
    private var sent = 0
    /// Records whose lines are in `output`.
    private var made: UInt64 = 0
    private var lines: TapLines?

    init(_ descriptor: Int32, _ queue: TapQueue) {
        self.descriptor = descriptor
        self.queue = queue
        state = .asking(until: .now + Self.timeToAsk)
    }

    deinit { UnixSocket.close(descriptor) }

    var isOver: Bool { if case .over = state { true } else { false } }
    var isStreaming: Bool { if case .streaming = state { true } else { false } }

    /// When something must happen though the socket is silent.
    var deadline: ContinuousClock.Instant? {
        switch state {
        case .asking(let until), .leaving(let until): until
        case .streaming, .over: nil
        }
    }

    var watch: UnixSocket.Watch { UnixSocket.Watch(descriptor, reads: isInputOpen, writes: sent < output.count) }

    /// Does what can be done now. A problem is one that the client is sent away for, to be counted.
    func turn(_ watch: UnixSocket.Watch, _ context: TapContext) -> TapProblem? {
        var problem: TapProblem?
        do throws(TapProblem) {
            if watch.isReadable, isInputOpen { try read(context) }
            if let failure = queue.failure, isStreaming { throw TapProblem(.slow, failure) }
            if case .asking(let until) = state, until <= .now {
                throw TapProblem(.timeout, "no request came within \(Self.timeToAsk.configText)")
            }
        } catch {
            problem = error
            leave(error)
        }
        send()
        if watch.isGone { close() }
        if case .leaving(let until) = state, until <= .now { close() }
        return problem
    }

    // MARK: What the client says.

    private func read(_ context: TapContext) throws(TapProblem) {
        let piece: [UInt8]?
        do throws(SystemError) { piece = try UnixSocket.read(descriptor, upTo: TapRequest.maxBytes + 2) } catch { return close() }
        guard let piece else { return }
        if piece.isEmpty {
            isInputOpen = false
            if case .asking = state { close() }
            return
        }
        guard case .asking = state else {
            isInputOpen = false
            throw TapProblem(.request, "something follows the request")
        }
        input += piece
        guard let end = input.firstIndex(of: UInt8(ascii: "\n")) else {
            if input.count > TapRequest.maxBytes { throw TapProblem(.request, "a request has at most \(TapRequest.maxBytes) bytes") }
            return
        }
        guard end == input.count - 1 else { throw TapProblem(.request, "something follows the request") }
        let asked = try TapRequest(Array(input[..<end]))
        input = []
        let tap = try context.subscribe(asked, queue)
        request = asked
        current = (tap, context)
        state = .streaming
        tap.announce()
        context.taps.add(tap)
    }

    // MARK: What the client gets.

    /// Fills and sends until the socket takes no more or nothing waits.
    private func send() {
        while !isOver {
            if sent == output.count {
                queue.delivered(made)
                output.removeAll(keepingCapacity: true)
                (sent, made) = (0, 0)
                fill()
                if output.isEmpty {
                    if case .leaving = state { close() }
                    return
                }
            }
            do throws(SystemError) {
                let count = try UnixSocket.write(output, from: sent, to: descriptor)
                if count == 0 { return }
                sent += count
            } catch { return close() }
        }
    }

    private func fill() {
        while output.count < Self.outputBytes {
            if lines != nil {
                made += UInt64(lines!.append(to: &output, upTo: Self.outputBytes))
                if lines!.isDone { lines = nil }
                continue
            }
            switch queue.next() {
            case .line(let line): output += line
            case .lost(let count): output += "{\"lost\":\(count)}\n".utf8
            case .records(let records):
                // The tap that froze them knows by whose numbers.
                guard let owner = [current, former, coming].compactMap({ $0 }).first(where: { $0.tap === records.tap }) else { continue }
                lines = TapLines(records, owner.context)
            case nil: return
            }
        }
    }

    /// Sends what waits, the problem last, and closes.
    func leave(_ problem: TapProblem) {
        disconnect()
        queue.put(problem.line)
        state = .leaving(until: .now + Self.timeToLeave)
    }

    private func disconnect() {
        for (tap, context) in [current, coming].compactMap({ $0 }) { context.taps.remove(tap) }
    }

    private func close() {
        disconnect()
        queue.close()
        state = .over
    }

    // MARK: Reloads.

    /// Connects the client to a pipeline that is about to begin. What is no longer possible there is said when it has.
    func prepare(_ next: TapContext) {
        guard isStreaming, let request, let tap = try? next.subscribe(request, queue) else { return }
        coming = (tap, next)
        next.taps.add(tap)
    }

    /// The pipeline of `prepare` runs, or never will.
    func settle(_ next: TapContext, isGood: Bool) {
        defer { coming = nil }
        guard isGood else {
            if let (tap, context) = coming { context.taps.remove(tap) }
            return
        }
        guard isStreaming, let request else { return }
        do throws(TapProblem) {
            let tap: LiveTap
            if let coming {
                tap = coming.tap
            } else {
                // It came in between.
                tap = try next.subscribe(request, queue)
                next.taps.add(tap)
            }
            if let (tap, context) = current { context.taps.remove(tap) }
            former = current
            current = (tap, next)
            tap.announce()
        } catch {
            leave(TapProblem(.ended, "the configuration was read again, and there \(error.message)"))
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// One request on its way, in the hands of the task that asked and of the engine's thread.
final class Exchange: Sendable {
    let number: UInt64
    let request: HTTPRequest
    let first: Hop
    let isStream: Bool
    /// Where it goes, for people.
    let place: String
    private let started = ContinuousClock.now
    private let inbox: Mutex<Inbox>
    private let engine: Engine

    init(_ number: UInt64, _ request: HTTPRequest, _ first: Hop, isStream: Bool, _ engine: Engine) {
        self.number = number
        self.request = request
        self.first = first
        self.isStream = isStream
        self.engine = engine
        place = first.url.place
        inbox = Mutex(
            isStream
                ? Inbox(maxBytes: request.maxStreamBytes, room: engine.options.streamBufferBytes, gathers: request.gatherTime > .zero)
                : Inbox(maxBytes: request.maxBodyBytes, room: nil))
    }

    // MARK: For the task

    func whole() async throws(HTTPError) -> HTTPResponse {
        await wait(for: .end)
        return try inbox.withLock { (inbox) throws(HTTPError) in
            if case .failed(let error) = inbox.outcome { throw error }
            guard let head = inbox.head else { preconditionFailure("a transfer ended well without a head") }
            return HTTPResponse(status: head.status, headers: head.headers, body: inbox.takeAll())
        }
    }

    func headed() async throws(HTTPError) -> ResponseHead {
        await wait(for: .head)
        return try inbox.withLock { (inbox) throws(HTTPError) in
            // Only what `cancel` has noted counts as cancelled: a task cancelled since the wait must still get the stream, for nobody
            // else could end the transfer.
            if case .failed(let error) = inbox.outcome, inbox.head == nil || error.reason == .cancelled { throw error }
            guard let head = inbox.head else { preconditionFailure("a transfer ended well without a head") }
            return head
        }
    }

    /// nil at the end.
    func chunk() async throws(HTTPError) -> [UInt8]? {
        await wait(for: .chunk)
        let chunk = try inbox.withLock { (inbox) throws(HTTPError) -> (bytes: [UInt8], resumes: Bool)? in
            if let chunk = inbox.takeChunk() { return chunk }
            if case .failed(let error) = inbox.outcome { throw error }
            return nil
        }
        if chunk?.resumes == true { engine.post(.resume(number)) }
        return chunk?.bytes
    }

    /// Ends it, from any thread. The task hears of it at once, the server when the engine's thread comes to it.
    func cancel() {
        let (wasRunning, waiter) = inbox.withLock { $0.cancel() }
        waiter?.resume()
        if wasRunning { engine.post(.remove(number)) }
    }

    private func wait(for want: Inbox.Want) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                if inbox.withLock({ $0.wait(for: want, waiter) }) { waiter.resume() }
            }
        } onCancel: {
            cancel()
        }
    }

    // MARK: For the engine's thread

    var isFull: Bool { inbox.withLock { $0.isFull } }

    func receive(_ head: ResponseHead) { inbox.withLock { $0.receive(head) }?.resume() }

    func receive(_ bytes: UnsafeBufferPointer<UInt8>) -> Inbox.Delivery {
        let (delivery, waiter) = inbox.withLock { unsafe $0.receive(bytes) }
        waiter?.resume()
        return delivery
    }

    /// The turn in which something came is over.
    func gathered() { inbox.withLock { $0.gathered() }?.resume() }

    func finish(_ outcome: Inbox.Outcome) { inbox.withLock { $0.finish(outcome) }?.resume() }

    /// When it must have ended; nil for never.
    var deadline: ContinuousClock.Instant? {
        let isHeaded = isStream && inbox.withLock { $0.head != nil }
        let limits = [isHeaded ? nil : request.totalTimeout, isStream ? request.streamTimeout : nil]
        return limits.compactMap { $0.map { started + $0 } }.min()
    }

    func timedOut() -> HTTPError { HTTPError(.timeout, "reach \(place): it took longer than \(ContinuousClock.now - started)") }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What has come of an answer and was not read yet, and who waits for it. A plain value; `Exchange` keeps it under a lock.
struct Inbox: Sendable {
    typealias Waiter = CheckedContinuation<Void, Never>

    /// What a reader waits for.
    enum Want: Sendable { case head, chunk, end }

    /// What becomes of a piece of the body.
    enum Delivery: Sendable {
        case taken
        /// No room: comes again after the reader has taken something.
        case full
        case tooLarge
        /// Nobody wants it any more.
        case over
    }

    enum Outcome: Sendable {
        case whole
        case failed(HTTPError)
    }

    private(set) var head: ResponseHead?
    /// A full delivery waits.
    private(set) var isFull = false
    private(set) var outcome: Outcome?
    private var pending: [UInt8] = []
    private var received = 0
    private var waiter: (want: Want, Waiter)?
    /// Of the body altogether, and of what may wait for a reader; nil when the reader comes at the end.
    private let maxBytes: Int
    private let room: Int?
    /// The reader of a piece is woken by `gathered` alone, not by every part of it.
    private let gathers: Bool

    init(maxBytes: Int, room: Int?, gathers: Bool = false) {
        self.maxBytes = maxBytes
        self.room = room
        self.gathers = gathers
    }

    // MARK: From the server. What is given back is to be resumed.

    mutating func receive(_ head: ResponseHead) -> Waiter? {
        self.head = head
        return takeWaiter()
    }

    mutating func receive(_ bytes: UnsafeBufferPointer<UInt8>) -> (Delivery, Waiter?) {
        guard outcome == nil else { return (.over, nil) }
        guard bytes.count <= maxBytes - received else { return (.tooLarge, nil) }
        if let room, !pending.isEmpty, pending.count + bytes.count > room {
            isFull = true
            return (.full, nil)
        }
        unsafe pending.append(contentsOf: bytes)
        received += bytes.count
        return (.taken, gathers ? nil : takeWaiter())
    }

    /// What has come is one piece.
    mutating func gathered() -> Waiter? { takeWaiter() }

    /// The first outcome stands.
    mutating func finish(_ outcome: Outcome) -> Waiter? {
        if self.outcome == nil { self.outcome = outcome }
        return takeWaiter()
    }

    // MARK: From the reader.

    /// Nothing more is wanted, not even what is there. Says whether the transfer was under way.
    mutating func cancel() -> (wasRunning: Bool, Waiter?) {
        let wasRunning = outcome == nil
        pending = []
        isFull = false
        outcome = .failed(.cancelled)
        return (wasRunning, takeWaiter())
    }

    /// True when there is nothing to wait for; else the waiter is kept and resumed once.
    mutating func wait(for want: Want, _ waiter: Waiter) -> Bool {
        if isReady(want) { return true }
        precondition(self.waiter == nil, "two readers wait for one answer")
        self.waiter = (want, waiter)
        return false
    }

    /// Everything that has come, after the end.
    mutating func takeAll() -> [UInt8] {
        defer { pending = [] }
        return pending
    }

    /// What has come; nil when that is nothing. `resumes`: there is room again for a server that waits.
    mutating func takeChunk() -> (bytes: [UInt8], resumes: Bool)? {
        guard !pending.isEmpty else { return nil }
        defer {
            pending = []
            isFull = false
        }
        return (pending, isFull)
    }

    private func isReady(_ want: Want) -> Bool {
        switch want {
        case .head: head != nil || outcome != nil
        case .chunk: !pending.isEmpty || outcome != nil
        case .end: outcome != nil
        }
    }

    private mutating func takeWaiter() -> Waiter? {
        guard let waiter, isReady(waiter.want) else { return nil }
        self.waiter = nil
        return waiter.1
    }
}

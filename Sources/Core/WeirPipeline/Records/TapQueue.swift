// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit
internal import Synchronization

/// The bounded queue between the data thread and one client of `weir tap`. It holds the client's book:
/// offered = delivered + queued + Σ lost{reason}. What finds no room is lost, counted, and told to the client where it is missing.
package final class TapQueue: Sendable {
    package enum Item: Sendable {
        /// A line of the agent's own.
        case line([UInt8])
        case records(LiveRecords)
        /// So many records are missing here.
        case lost(UInt64)
    }

    /// Bytes that may wait for one client.
    package static let maxBytes = 4 << 20

    private struct State {
        var items: [Item] = []
        var head = 0
        var bytes = 0
        /// Taken and not yet delivered.
        var records: UInt64 = 0
        /// Full once, and not yet half empty: so there is one gap, and not one for every other batch.
        var isBlocked = false
        var isClosed = false
        var failure: String?
    }

    private let book: TapBook
    private let limit: Int
    private let state = Mutex(State())
    private let wake: @Sendable () -> Void

    /// `wake` is called on the data thread when there is something to send; it must not wait.
    package init(_ book: TapBook, limit: Int = maxBytes, wake: @escaping @Sendable () -> Void) {
        self.book = book
        self.limit = limit
        self.wake = wake
    }

    // MARK: The data thread.

    var isBlocked: Bool { state.withLock { $0.isBlocked } }

    /// Never waits.
    func offer(_ records: LiveRecords) {
        let count = UInt64(records.count)
        book.offered.add(count)
        let size = records.size
        let isTaken = state.withLock { state in
            guard !state.isClosed else { return false }
            guard state.bytes + size <= limit else {
                state.isBlocked = true
                return false
            }
            state.items.append(.records(records))
            state.bytes += size
            state.records += count
            book.queued.add(count)
            return true
        }
        if isTaken { wake() } else { lose(count) }
    }

    /// Records that are lost before anybody makes them.
    func turnAway(_ count: Int) {
        book.offered.add(UInt64(count))
        lose(UInt64(count))
    }

    private func lose(_ count: UInt64) {
        let isClosed = state.withLock { state in
            guard !state.isClosed else { return true }
            if case .lost(let before)? = state.items.last, state.items.count > state.head {
                state.items[state.items.count - 1] = .lost(before + count)
            } else {
                state.items.append(.lost(count))
            }
            return false
        }
        (isClosed ? book.lostClosed : book.lostFull).add(count)
        wake()
    }

    /// The client costs the data thread too much: the reason is its last line.
    func fail(_ reason: String) {
        state.withLock { state in if state.failure == nil { state.failure = reason } }
        wake()
    }

    // MARK: The thread that sends.

    /// A line that the client must get, however full the queue is: there are few.
    package func put(_ line: [UInt8]) {
        state.withLock { state in if !state.isClosed { state.items.append(.line(line)) } }
        wake()
    }

    /// Why the client is to be sent away; nil while it may stay.
    package var failure: String? { state.withLock { $0.failure } }

    package func next() -> Item? {
        state.withLock { state in
            guard state.head < state.items.count else { return nil }
            let item = state.items[state.head]
            state.head += 1
            // The space in front is given back when it is the larger half: each item moves at most once.
            if state.head * 2 > state.items.count {
                state.items.removeFirst(state.head)
                state.head = 0
            }
            if case .records(let records) = item { state.bytes -= records.size }
            if state.bytes <= limit / 2 { state.isBlocked = false }
            return item
        }
    }

    /// So many records are with the client.
    package func delivered(_ count: UInt64) {
        guard count > 0 else { return }
        state.withLock { state in
            guard !state.isClosed else { return }
            state.records -= count
            book.queued.take(count)
            book.delivered.add(count)
        }
    }

    /// The client is gone, and what waited for it is lost.
    package func close() {
        state.withLock { state in
            guard !state.isClosed else { return }
            state.isClosed = true
            book.queued.take(state.records)
            book.lostClosed.add(state.records)
            state.items = []
            state.head = 0
            state.bytes = 0
            state.records = 0
        }
    }
}

/// The book of all clients together, as metrics.
package struct TapBook: Sendable {
    let offered: Cell
    let delivered: Cell
    let queued: Cell
    let lostFull: Cell
    let lostClosed: Cell

    package init(_ registry: MetricRegistry) {
        offered = registry.counter("weir_tap_offered_records_total", "Records that passed the filters of clients of weir tap.")
        delivered = registry.counter("weir_tap_delivered_records_total", "Records that were sent to clients of weir tap.")
        queued = registry.gauge("weir_tap_queued_records", "Records that wait for clients of weir tap.")
        let help = "Records that clients of weir tap did not get."
        lostFull = registry.counter("weir_tap_lost_total", help, [("reason", "queue_full")])
        lostClosed = registry.counter("weir_tap_lost_total", help, [("reason", "closed")])
    }
}

extension Cell {
    /// Cells add modulo 2^64.
    fileprivate func take(_ amount: UInt64) { add(0 &- amount) }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibCurl
internal import Glibc

/// What the engine's thread does: starts what waits, lets libcurl work, hands on what has ended, and looks at the clock.
final class TransferLoop {
    private let engine: Engine
    private let multi: MultiHandle
    private var active: [UInt64: Transfer] = [:]
    /// In the order of their coming.
    private var waiting: [Exchange] = []
    /// No time limit passes before.
    private var nextSweep: ContinuousClock.Instant?
    /// When the next stream that gathers is to be looked at.
    private var nextRest: ContinuousClock.Instant?

    init(_ engine: Engine, _ multi: MultiHandle) {
        self.engine = engine
        self.multi = multi
    }

    func turn(_ commands: [Engine.Command]) {
        for command in commands {
            switch command {
            case .start(let exchange):
                waiting.append(exchange)
                look(at: exchange.deadline)
            case .resume(let number): if let transfer = active[number] { resume(transfer) }
            case .remove(let number): remove(number)
            }
        }
        startWaiting()
        endRests()
        if !multi.perform() { failAll(HTTPError(.connect, "go on: libcurl has no memory")) }
        while let (transfer, code) = multi.nextDone() { ended(transfer, code) }
        rest()
        sweep()
        startWaiting()
        // A refusal of the system must not make this a busy loop.
        if !multi.poll(milliseconds: patience()) { usleep(10_000) }
    }

    func close() { failAll(.cancelled) }

    private func startWaiting() {
        while active.count < engine.options.maxTransfers, !waiting.isEmpty {
            let exchange = waiting.removeFirst()
            start(exchange, exchange.first, redirects: 0)
        }
    }

    private func start(_ exchange: Exchange, _ hop: Hop, redirects: Int) {
        do throws(HTTPError) {
            let transfer = try Transfer(exchange, hop, redirects: redirects, engine)
            guard multi.add(transfer) else { throw HTTPError(.connect, "reach \(exchange.place): libcurl has no memory") }
            active[exchange.number] = transfer
            look(at: transfer.nextLimit())
        } catch { finish(exchange, .failed(error)) }
    }

    private func ended(_ transfer: Transfer, _ code: CURLcode) {
        let exchange = transfer.exchange
        let result = transfer.result(code)
        takeOut(transfer)
        switch result {
        case .outcome(let outcome): finish(exchange, outcome)
        case .redirect(let hop): start(exchange, hop, redirects: transfer.redirects + 1)
        }
    }

    /// What libcurl kept may be refused now. It would say so only when the server sends more, which may be never.
    private func resume(_ transfer: Transfer) {
        transfer.resume()
        guard let failure = transfer.failure else { return }
        takeOut(transfer)
        finish(transfer.exchange, .failed(failure))
    }

    /// Nobody waits for it any more.
    private func remove(_ number: UInt64) {
        if let transfer = active[number] {
            takeOut(transfer)
            engine.left()
        } else if let index = waiting.firstIndex(where: { $0.number == number }) {
            waiting.remove(at: index)
            engine.left()
        }
    }

    private func takeOut(_ transfer: Transfer) {
        multi.remove(transfer)
        active[transfer.exchange.number] = nil
    }

    private func finish(_ exchange: Exchange, _ outcome: Inbox.Outcome) {
        engine.left()
        exchange.finish(outcome)
    }

    private func failAll(_ error: HTTPError) {
        for transfer in active.values {
            takeOut(transfer)
            finish(transfer.exchange, .failed(error))
        }
        for exchange in waiting { finish(exchange, .failed(error)) }
        waiting = []
    }

    // MARK: Time

    private func look(at limit: ContinuousClock.Instant?) {
        guard let limit else { return }
        nextSweep = min(nextSweep ?? limit, limit)
    }

    private func endRests() {
        guard let due = nextRest else { return }
        let now = ContinuousClock.now
        guard due <= now else { return }
        for transfer in active.values {
            if transfer.endRest(now) { resume(transfer) }
        }
    }

    /// Streams that gather are left alone for their time.
    private func rest() {
        let now = ContinuousClock.now
        nextRest = nil
        for transfer in active.values {
            if let until = transfer.rest(now) { nextRest = min(nextRest ?? until, until) }
        }
    }

    /// Ends what has taken too long. Looks at all transfers, but only when the nearest limit may have passed: that is as often as a
    /// limit passes, not as often as something moves.
    private func sweep() {
        let now = ContinuousClock.now
        guard let due = nextSweep, due <= now else { return }
        nextSweep = nil
        for transfer in Array(active.values) {
            if let error = transfer.overdue(now) {
                takeOut(transfer)
                finish(transfer.exchange, .failed(error))
            } else {
                look(at: transfer.nextLimit())
            }
        }
        waiting.removeAll { exchange in
            guard let deadline = exchange.deadline else { return false }
            guard deadline <= now else {
                look(at: deadline)
                return false
            }
            finish(exchange, .failed(exchange.timedOut()))
            return true
        }
    }

    /// How long nothing need be done unless something moves; libcurl's own timers shorten it.
    private func patience() -> Int32 {
        guard let next = [nextSweep, nextRest].compactMap({ $0 }).min() else { return 600_000 }
        return Int32(clamping: max(0, (next - .now).wholeMilliseconds))
    }
}

extension Duration {
    /// Rounded up, so that a wait of that length is not too short.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        let (product, overflows) = Int(clamping: seconds).multipliedReportingOverflow(by: 1000)
        guard !overflows else { return seconds < 0 ? .min : .max }
        return product + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Gzip
internal import WeirKit

/// What the exporter holds between two of its steps, and what the next step is. No clock, no network.
struct Shipping: Sendable {
    /// A request that is made and whose fate is not known.
    struct Request: Sendable {
        let batch: Batch
        let body: [UInt8]
    }

    private(set) var ledger: Ledger
    private(set) var request: Request?
    private(set) var backoff = Backoff()
    private var resource: ResourceBytes?
    /// Counts readings.
    private var round: UInt64 = 0
    private let temporality: Temporality
    private let compression: Compression
    private let limits: BatchLimits
    private let maxGone: Int
    private let metrics: Metrics

    init(_ settings: Settings, _ metrics: Metrics) {
        limits = settings.limits
        maxGone = settings.maxGoneSeries
        temporality = settings.temporality
        compression = settings.compression
        ledger = Ledger(temporality: settings.temporality, limits: settings.limits, maxGone: settings.maxGoneSeries)
        self.metrics = metrics
    }

    /// Goes on with what another one held for the same receiver, the request included that is not taken yet. False when this one has
    /// begun already.
    mutating func goOn(from previous: Shipping) -> Bool {
        guard round == 0 else { return false }
        ledger = previous.ledger
        ledger.goOn(limits, maxGone: maxGone)
        request = previous.request.map { Request(batch: $0.batch, body: packed($0.batch.message)) }
        backoff = previous.backoff
        resource = previous.resource
        round = previous.round
        return true
    }

    /// Takes over a reading; a cumulative request that the receiver has refused so far gives way to it.
    mutating func take(_ readings: [Reading], _ resource: ResourceBytes, at now: UInt64) {
        self.resource = resource
        round += 1
        count(ledger.take(readings, at: now))
        metrics.readings.add()
        metrics.waitingSeries.set(UInt64(ledger.waitingGone))
        guard let waiting = request, backoff.failures > 0, temporality == .cumulative, !waiting.batch.isOfGone else { return }
        metrics.supersededPoints.add(UInt64(waiting.batch.count))
        request = nil
    }

    /// What is to be sent now; nil when the receiver has everything. The same until `settle`.
    mutating func next() -> Request? {
        if let request { return request }
        guard let resource else { return nil }
        let start = ContinuousClock.now
        guard let batch = ledger.next(resource) else { return nil }
        let made = Request(batch: batch, body: packed(batch.message))
        metrics.encodeTime.add(UInt64((ContinuousClock.now - start).nanoseconds))
        metrics.waitingSeries.set(UInt64(ledger.waitingGone))
        request = made
        return made
    }

    private func packed(_ message: [UInt8]) -> [UInt8] {
        guard compression == .gzip else { return message }
        // Only memory can fail here; then the message would not be there either.
        do { return try Gzip.packed(message, level: Self.level) } catch { preconditionFailure("a message could not be packed: \(error)") }
    }

    /// Beyond this level zlib takes much longer for little: numbers are in the README.
    private static let level: Int32 = 4

    /// Notes what became of `request`; returns how long to wait before the next.
    mutating func settle(_ outcome: Outcome, random: Double) -> Duration {
        guard let settled = request else { return .zero }
        switch outcome {
        case .delivered(let rejected, _):
            deliver(settled)
            // A receiver cannot have left out more than there was.
            let rejected = min(UInt64(rejected), UInt64(settled.batch.count))
            metrics.rejectedPoints.add(rejected)
        case .deliveredUnread:
            metrics.badAnswers.add()
            deliver(settled)
        case .again(let after, let reason, _):
            metrics.requests("again").add()
            metrics.failures(reason).add()
            metrics.up.set(0)
            return backoff.next(asked: after, random: random)
        case .refused(let reason, _):
            metrics.requests("refused").add()
            metrics.failures(reason).add()
            metrics.refusedPoints(reason).add(UInt64(settled.batch.count))
            metrics.up.set(0)
            count(ledger.drop(settled.batch, .refused))
            request = nil
            backoff.reset()
        }
        return .zero
    }

    private mutating func deliver(_ settled: Request) {
        metrics.requests("delivered").add()
        metrics.deliveredPoints.add(UInt64(settled.batch.count))
        metrics.sentBytes.add(UInt64(settled.body.count))
        metrics.messageBytes.add(UInt64(settled.batch.message.count))
        metrics.up.set(1)
        ledger.settle(settled.batch)
        request = nil
        backoff.reset()
    }

    /// Nothing more will be sent. Returns what is lost by that.
    mutating func abandon() -> [Ledger.Loss] {
        var losses: [Ledger.Loss] = []
        if let request { losses += ledger.drop(request.batch, .stop) }
        request = nil
        losses += ledger.abandon()
        count(losses)
        return losses
    }

    private func count(_ losses: [Ledger.Loss]) {
        for loss in losses { metrics.lost(loss).add(loss.amount) }
    }
}

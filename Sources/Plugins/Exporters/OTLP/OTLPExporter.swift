// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization
package import WeirKit

/// Reads the series at its interval and posts them, one request at a time. What the receiver does not take stays in the book.
package final class OTLPExporter: MetricExporter {
    /// The host waits 3 s for the last word; this leaves time to count what nobody took.
    private static let timeToFinish = Duration.milliseconds(2500)

    /// So long the first request waits for what stages know of the host.
    private static let patience = Duration.seconds(5)

    package let readsResource = true
    package var readingInterval: Duration? { settings.interval }
    package let servesPage = false

    private let settings: Settings
    private let context: PluginContext
    private let receiver: Receiver
    private let metrics: Metrics
    private let talk: Talk
    private let shipping: Mutex<Shipping>
    private let own: Mutex<OwnMetrics>
    /// The request on its way. It outlives a cancelled `run`: whether the receiver took it must be known before anything is sent again.
    private let inFlight = Mutex<Task<Outcome, Never>?>(nil)
    private let isFinished = Mutex(false)
    /// When the receiver may be asked again.
    private let notBefore = Mutex(ContinuousClock.now)

    package init(_ settings: Settings, _ context: PluginContext) {
        self.settings = settings
        self.context = context
        receiver = Receiver(settings, context)
        metrics = Metrics(context.metrics)
        talk = Talk(context.log)
        shipping = Mutex(Shipping(settings, metrics))
        own = Mutex(OwnMetrics(context.metrics, began: context.metrics.began))
    }

    package func run(_ series: SeriesReader) async throws {
        if isFinished.withLock({ $0 }) { return }
        // What another configuration could not deliver goes on being tried.
        var isFirst = shipping.withLock { $0.request == nil }
        // What is there already came from before; a first look says so, long before the first request.
        read(series)
        // Who sends is said the same in every request, if that can be known in time.
        let patience = ContinuousClock.now + Self.patience
        while !context.resource.isSettled, ContinuousClock.now < patience { try await Task.sleep(for: .milliseconds(100)) }
        // Agents that were started together do not send together; beyond that the time of day means nothing.
        var nextReading = ContinuousClock.now + settings.interval * Double.random(in: 0..<1)
        while true {
            let now = ContinuousClock.now
            if now >= nextReading {
                read(series)
                isFirst = false
                nextReading += settings.interval
                while nextReading <= now {
                    nextReading += settings.interval
                    metrics.lateReadings.add()
                }
            }
            let notBefore = notBefore.withLock { $0 }
            if !isFirst, now >= notBefore, let request = shipping.withLock({ $0.next() }) {
                guard let outcome = await post(request, within: settings.timeout) else { throw CancellationError() }
                settle(outcome)
                continue
            }
            let isWaiting = shipping.withLock { $0.request != nil }
            try await Task.sleep(until: isWaiting ? min(nextReading, max(notBefore, now)) : nextReading, clock: .continuous)
        }
    }

    private func read(_ series: SeriesReader) {
        var readings = series.read(bornAtZero: false).map { Reading($0) }
        if settings.ownMetrics { readings += own.withLock { $0.read() } }
        let resource = ResourceAttributes.bytes(settings, context)
        shipping.withLock { $0.take(readings, resource, at: context.wallClock()) }
    }

    /// Nil when the task was cancelled meanwhile; the request goes on, and `finish` waits for it.
    private func post(_ request: Shipping.Request, within limit: Duration) async -> Outcome? {
        let (outcomes, ended) = AsyncStream<Outcome>.makeStream()
        let task = Task { [receiver] in
            let outcome = await receiver.post(request.body, within: limit)
            ended.yield(outcome)
            ended.finish()
            return outcome
        }
        inFlight.withLock { $0 = task }
        for await outcome in outcomes {
            inFlight.withLock { $0 = nil }
            return outcome
        }
        return nil
    }

    /// Counts and says what became of the request.
    private func settle(_ outcome: Outcome) {
        let wait = shipping.withLock { $0.settle(outcome, random: .random(in: 0...1)) }
        notBefore.withLock { $0 = .now + wait }
        switch outcome {
        case .delivered(let rejected, let message):
            if rejected > 0 || !message.isEmpty {
                talk.warn(.partial, "the receiver did not take every point", ["rejected": "\(rejected)", "message": "\(message)"])
            }
        case .deliveredUnread: talk.warn(.partial, "the receiver took a request and its answer could not be read", ["url": "\(shownURL)"])
        case .again(_, let reason, let message):
            talk.warn(
                .failure, "request failed, and goes again",
                ["url": "\(shownURL)", "reason": "\(reason)", "message": "\(message)", "next": "\(wait.configText)"])
        case .refused(let reason, let message):
            talk.warn(.lost, "request refused, its points are dropped", ["url": "\(shownURL)", "reason": "\(reason)", "message": "\(message)"])
        }
    }

    /// Queries may hold keys.
    private var shownURL: Substring { settings.url.text.prefix { $0 != "?" } }

    /// The same receiver, told in the same way: what one could not deliver the other can.
    package func goesOn(from previous: any MetricExporter) -> Bool {
        guard let previous = previous as? OTLPExporter else { return false }
        return previous.settings.url == settings.url && previous.settings.temporality == settings.temporality
    }

    package func takeOver(from previous: any MetricExporter, _ series: SeriesReader) async {
        guard let previous = previous as? OTLPExporter, await previous.end(before: .now + Self.timeToFinish) else { return }
        // So that all that was counted by the configuration before is in the book.
        previous.read(series)
        let (held, known) = (previous.shipping.withLock { $0 }, previous.own.withLock { $0 })
        // A host in a hurry may have begun without.
        guard shipping.withLock({ $0.goOn(from: held) }) else { return previous.abandon() }
        own.withLock { $0.goOn(from: known) }
        let again = previous.notBefore.withLock { $0 }
        notBefore.withLock { $0 = again }
    }

    /// No more is begun, and the fate of the request on its way is known. False when that was so before.
    private func end(before end: ContinuousClock.Instant) async -> Bool {
        let isFirst = isFinished.withLock { isFinished in
            defer { isFinished = true }
            return !isFinished
        }
        guard isFirst else { return false }
        if let task = inFlight.withLock({ $0 }) {
            let late = Task {
                try await Task.sleep(until: end, clock: .continuous)
                task.cancel()
            }
            settle(await task.value)
            late.cancel()
        }
        return true
    }

    /// Sends what was counted since, and what still waits. Gives up early on a receiver that was failing before.
    package func finish(_ series: SeriesReader) async {
        let end = ContinuousClock.now + Self.timeToFinish
        guard await self.end(before: end) else { return }
        let wasFailing = shipping.withLock { $0.backoff.failures > 0 }
        read(series)
        var wait = Duration.milliseconds(100)
        while ContinuousClock.now < end, !Task.isCancelled, let request = shipping.withLock({ $0.next() }) {
            let outcome = await receiver.post(request.body, within: end - .now)
            settle(outcome)
            guard case .again(let after, _, _) = outcome else { continue }
            wait = max(wait * 2, after ?? .zero)
            if wasFailing || .now + wait > end { break }
            guard (try? await Task.sleep(for: wait)) != nil else { break }
        }
        abandon()
    }

    /// Counts and says what nobody will send.
    private func abandon() {
        let losses = shipping.withLock { $0.abandon() }
        if losses.isEmpty { return }
        let lost = losses.map { "\($0.metric) \($0.amount)" }.joined(separator: ", ")
        context.log.warning("the receiver did not take everything before the end", metadata: ["lost": "\(lost)", "url": "\(shownURL)"])
    }
}

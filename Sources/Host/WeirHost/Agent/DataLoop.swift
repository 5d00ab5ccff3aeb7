// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WeirCapture
internal import WeirKit
internal import WeirPipeline

/// What the data thread does: wait, drain into the pipeline, end the window, note the book. Owned by that thread.
struct DataLoop: ~Copyable {
    private var work: DataWork
    private var capture: Capture
    private var pipeline: Pipeline
    private(set) var series: SeriesBook
    private var clock: WindowClock
    /// When the window began, in nanoseconds since 1970.
    private var windowStart: UInt64
    private let interruptor: CaptureInterruptor
    private let metrics: KernelMetrics
    private let registry: MetricRegistry
    private let log: Logger
    /// Going over to looking up real ends has failed: not again until a reload.
    private var cannotTranslate = false

    /// Loads and attaches; from here on the kernel counts.
    init(_ work: DataWork, interruptor: CaptureInterruptor, registry: MetricRegistry, log: Logger) throws(CaptureError) {
        self.work = work
        self.interruptor = interruptor
        self.registry = registry
        self.log = log
        metrics = KernelMetrics(registry)
        series = SeriesBook(plan: work.plan)
        pipeline = Pipeline(
            plan: work.plan, covered: work.covered, invalidations: work.invalidations, registry: registry, series: series, taps: work.taps)
        clock = WindowClock(work.window)
        capture = try Capture.start(work.capture, interruptor: interruptor, log: log)
        windowStart = SystemFacts.unixNanoseconds
        watchListeners()
    }

    /// Looks who listens beside this thread, for as long as the capture is there.
    private func watchListeners() {
        DedicatedThread.start("weir-listeners") { [weak listeners = capture.listeners] in
            while let rest = listeners?.turn() { SystemFacts.sleep(rest) }
        }
    }

    /// Runs until `orders` contain a stop. `beat` is called at least once per window.
    mutating func run(orders: () -> [DataOrder], beat: () -> Void) {
        var deadline = ContinuousClock.now + clock.untilEnd(from: SystemFacts.unixNanoseconds)
        while true {
            let wake = capture.wait(until: deadline)
            beat()
            switch wake {
            case .earlyDrain: drain()
            case .windowEnd:
                endWindow()
                followConntrack()
                deadline = .now + clock.untilEnd(from: SystemFacts.unixNanoseconds)
            case .interrupted: break
            }
            for order in orders() {
                switch order {
                case .stop(let done):
                    stop()
                    done.open()
                    return
                case .swap(let next, let answer):
                    answer.open(swap(to: next))
                    deadline = .now + clock.untilEnd(from: SystemFacts.unixNanoseconds)
                }
            }
        }
    }

    /// One generation into the pipeline; the window goes on.
    private mutating func drain() {
        let start = SystemFacts.monotonicNanoseconds
        beginDrain()
        do throws(CaptureError) {
            let book = try Self.drain(&capture, into: &pipeline)
            metrics.add(book, took: SystemFacts.monotonicNanoseconds - start)
        } catch {
            // Without its capture the agent measures nothing: better gone, restarted and seen, than there and silent.
            loseCapture("capture lost", error)
        }
    }

    /// Detaches before it leaves: filters of clsact would outlive the process.
    private mutating func loseCapture(_ message: Logger.Message, _ error: CaptureError) -> Never {
        log.critical(message, metadata: ["error": "\(error)"])
        capture.detach()
        leave(.machine)
    }

    private mutating func beginDrain() {
        let now = SystemFacts.unixNanoseconds
        // The clock was set back far since the window began: it begins now, rather than in the future.
        if WallTime.isFarBehind(windowStart, now: now) { windowStart = now }
        // The end is not known yet when a drain comes early: what it holds belongs to the window up to now.
        pipeline.beginWindow(windowStart..<max(now, windowStart + 1), monotonic: SystemFacts.monotonicNanoseconds)
        if work.capture.interface { pipeline.nameInterfaces(capture.interfaceNames) }
    }

    /// Apart, so that the closure borrows two values and not the whole loop.
    private static func drain(_ capture: inout Capture, into pipeline: inout Pipeline) throws(CaptureError) -> KernelBook {
        try capture.drain { flows, rate in pipeline.consume(flows, samplingRate: rate) }
    }

    private mutating func endWindow() {
        drain()
        pipeline.endWindow()
        metrics.windowEnded()
        metrics.note(sampling: capture.sampling)
        metrics.note(attached: capture.attachedCount, refused: capture.refusedCount, capture.limits)
        windowStart = WallTime.next(after: windowStart, now: SystemFacts.unixNanoseconds)
    }

    /// Leaves the kernel first, then drains both generations: a packet that was under way while the programs were
    /// detached may have been counted in either.
    private mutating func stop() {
        capture.detach()
        drain()
        endWindow()
        capture.unpin()
        pipeline.finish()
    }

    private mutating func swap(to next: DataWork) -> Result<SeriesBook, CaptureError> {
        do throws(CaptureError) {
            // First, since it may refuse; and also for the same plan, which `auto` may answer with another source by now.
            if try !capture.canReplace(with: next.capture) {
                try restartCapture(next.capture)
            } else if next.capture == work.capture {
                endWindow()
            } else {
                try replaceCapture(next.capture)
            }
        } catch {
            if error.isFatal { loseCapture("capture lost during a reload", error) }
            return .failure(error)
        }
        // Rows that wait for an answer go on waiting, unless they lack what the next plan wants of them.
        if next.plan.keyFields != work.plan.keyFields { pipeline.finish() }
        let held = pipeline.handOver()
        cannotTranslate = false
        series = SeriesBook(plan: next.plan, adopting: series)
        pipeline = Pipeline(
            plan: next.plan, covered: next.covered, invalidations: next.invalidations, registry: registry, series: series, taps: next.taps,
            held: held)
        clock = WindowClock(next.window)
        work = next
        return .success(series)
    }

    /// Other key fields or limits: the new programs take the place of the old ones between two packets.
    private mutating func replaceCapture(_ next: CapturePlan) throws(CaptureError) {
        let start = SystemFacts.monotonicNanoseconds
        beginDrain()
        let book = try Self.replace(&capture, next, into: &pipeline)
        metrics.add(book, took: SystemFacts.monotonicNanoseconds - start)
        endWindow()
    }

    private static func replace(_ capture: inout Capture, _ next: CapturePlan, into pipeline: inout Pipeline) throws(CaptureError) -> KernelBook {
        try capture.replace(with: next) { flows, rate in pipeline.consume(flows, samplingRate: rate) }
    }

    /// The host has begun to track connections since the capture was made: the key grows by ports, between two packets.
    private mutating func followConntrack() {
        guard !cannotTranslate, capture.wantsTranslation else { return }
        do throws(CaptureError) {
            try replaceCapture(work.capture)
            // Where it may not be asked, `auto` stays off.
            cannotTranslate = !capture.translation.isOn
            let word = cannotTranslate ? "connections that are translated keep the ends that are seen" : "looking up the real ends of connections"
            log.notice("\(word)", metadata: ["reason": "\(capture.translation.because)"])
        } catch {
            if error.isFatal { loseCapture("capture lost", error) }
            cannotTranslate = true
            log.warning("connections that are translated keep the ends that are seen", metadata: ["error": "\(error)"])
        }
    }

    /// Another source: what one counts the other would count too, so there must be a moment between.
    private mutating func restartCapture(_ next: CapturePlan) throws(CaptureError) {
        capture.detach()
        drain()
        endWindow()
        capture.unpin()
        do throws(CaptureError) {
            capture = try Capture.start(next, interruptor: interruptor, log: log)
            log.warning("another capture source: packets between the two were not counted")
        } catch {
            // The old configuration goes on, with the programs that are known to load.
            do throws(CaptureError) {
                capture = try Capture.start(work.capture, interruptor: interruptor, log: log)
            } catch let second {
                loseCapture("capture lost during a reload", second)
            }
            watchListeners()
            throw error
        }
        watchListeners()
    }
}

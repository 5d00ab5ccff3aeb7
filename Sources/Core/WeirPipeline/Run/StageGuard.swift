// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Watches how long a stage keeps the data thread. One that is slow five times in a row is left out for a while:
/// trouble in one plugin costs that plugin's attributes and nothing else.
struct StageGuard {
    private static let slow = Duration.milliseconds(50)
    private static let strikesAllowed = 5
    private static let suspension = Duration.seconds(60)

    private let isPatient: Bool
    private let suspended: Cell
    private let suspensions: Cell
    private var strikes = 0
    private var suspendedUntil: ContinuousClock.Instant?

    /// A patient one waits however long it takes.
    init(stage: String, registry: MetricRegistry, isPatient: Bool = false) {
        self.isPatient = isPatient
        let labelled = registry.labelled("stage", stage)
        suspended = labelled.gauge("weir_stage_suspended", "1 while the stage is left out because it kept the data thread waiting.")
        suspensions = labelled.counter("weir_stage_suspensions_total", "Times the stage was left out for a minute because it was slow.")
        suspended.set(0)
    }

    var isSuspended: Bool { suspendedUntil != nil }

    /// Ends a suspension whose time is over; true when it did, and so everything must be asked again. Once per window.
    mutating func resume(_ now: ContinuousClock.Instant) -> Bool {
        guard let until = suspendedUntil, now >= until else { return false }
        suspendedUntil = nil
        suspended.set(0)
        return true
    }

    /// Runs `body` unless the stage is suspended.
    mutating func run(_ body: () -> Void) {
        if isPatient { return body() }
        guard suspendedUntil == nil else { return }
        let start = ContinuousClock.now
        body()
        let end = ContinuousClock.now
        strikes = end - start > Self.slow ? strikes + 1 : 0
        guard strikes >= Self.strikesAllowed else { return }
        strikes = 0
        suspendedUntil = end + Self.suspension
        suspended.set(1)
        suspensions.add()
    }
}

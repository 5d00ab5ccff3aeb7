// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization
internal import WeirKit

/// The states of all stages that were started.
package final class StageStates: Sendable {
    private let states = Mutex<[String: (role: StageRole, state: StageState)]>([:])

    package init() {}

    func set(_ state: StageState, for stage: String, _ role: StageRole) { states.withLock { $0[stage] = (role, state) } }
    func forget(_ stage: String) { states.withLock { $0[stage] = nil } }
    var all: [(name: String, role: StageRole, state: StageState)] {
        states.withLock { $0.sorted { $0.key < $1.key }.map { ($0.key, $0.value.role, $0.value.state) } }
    }
}

/// Wraps `run()`: a return is idle, a throw is counted, said at most once a minute, and followed by a new call after
/// 1 s, 2 s, 4 s … 5 min. A stage never ends the agent.
struct StageRunner: Sendable {
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(300)

    let name: String
    let role: StageRole
    let states: StageStates
    let log: Logger
    private let up: Cell
    private let restarts: Cell
    private let talk = RateLimited()

    init(_ name: String, _ role: StageRole, states: StageStates, registry: MetricRegistry, log: Logger) {
        self.name = name
        self.role = role
        self.states = states
        self.log = log
        up = registry.gauge(
            "weir_stage_up", "1 while the stage runs or has nothing more to learn, 0 while it waits to be started again.", [("stage", name)])
        restarts = registry.counter("weir_stage_restarts_total", "Times the stage failed and was started again.", [("stage", name)])
    }

    /// Until the task is cancelled, or `body` returned: then true.
    @discardableResult
    func run(_ body: @Sendable () async throws -> Void) async -> Bool {
        var pause = Self.firstPause
        while !Task.isCancelled {
            up.set(1)
            states.set(.running, for: name, role)
            let start = ContinuousClock.now
            do {
                try await body()
                if Task.isCancelled { return false }
                states.set(.idle, for: name, role)
                return true
            } catch {
                if Task.isCancelled { return false }
                up.set(0)
                states.set(.failing("\(error)"), for: name, role)
                // One that ran well for long starts from the shortest pause again.
                if ContinuousClock.now - start > Self.longestPause { pause = Self.firstPause }
                if let quiet = talk.pass() {
                    log.warning(
                        "stage failed", metadata: ["stage": "\(name)", "error": "\(error)", "next": "\(pause.configText)", "unsaid": "\(quiet)"])
                }
            }
            guard (try? await Task.sleep(for: pause)) != nil else { return false }
            restarts.add()
            pause = min(pause * 2, Self.longestPause)
        }
        return false
    }
}

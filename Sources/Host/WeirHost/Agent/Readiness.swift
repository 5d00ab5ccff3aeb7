// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What a stage is to the agent.
package enum StageRole: Sendable {
    /// Finds out what enrichers answer.
    case learns
    /// Hands the counters on.
    case exports
}

/// How a stage's `run()` fares.
package enum StageState: Sendable, Equatable {
    case running
    /// `run()` returned: nothing more to learn.
    case idle
    /// `run()` threw; it is called again after a pause. What it learned before stays.
    case failing(String)
}

/// Whether this agent does its work: packets are counted and the counters are handed on.
///
/// A stage that cannot learn is told of and does not count: without a metadata service or an API server the agent counts on with what it
/// knows, and would a rollout wait for it, a DaemonSet would keep its old version on all nodes for as long as a third party is away. The gauge
/// `weir_stage_up` is what to be alarmed by.
package struct Readiness: Sendable {
    package let isReady: Bool
    /// As JSON. Errors are left to the log: they may quote the configuration.
    package let text: String

    package init(isCounting: Bool, stages: [(name: String, role: StageRole, state: StageState)], suspended: [String]) {
        var isReady = isCounting
        var lines: [String] = []
        for (name, role, state) in stages {
            switch state {
            case .running: lines.append("{\"stage\":\"\(name)\",\"state\":\"running\"}")
            case .idle: lines.append("{\"stage\":\"\(name)\",\"state\":\"idle\"}")
            case .failing:
                if role == .exports { isReady = false }
                lines.append("{\"stage\":\"\(name)\",\"state\":\"failing\"}")
            }
        }
        for name in suspended { lines.append("{\"stage\":\"\(name)\",\"state\":\"suspended\"}") }
        self.isReady = isReady
        text = "{\"ready\":\(isReady),\"counting\":\(isCounting),\"stages\":[\(lines.joined(separator: ","))]}\n"
    }
}

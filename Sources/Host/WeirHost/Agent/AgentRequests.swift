// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What tells the agent to do something.
enum AgentEvent: Sendable {
    case stop, reload
}

/// What the agent was asked for and has not begun. Only the newest counts: however many reloads were asked for, a stop does not wait behind
/// them; and after a stop nothing counts.
final class AgentRequests: Sendable {
    let events: AsyncStream<AgentEvent>
    /// Open once the agent is told to stop, so that a reload under way does not use up the time for that.
    let hurry = Gate<Void>()
    private let event: AsyncStream<AgentEvent>.Continuation
    private let isStopping = Mutex(false)

    init() { (events, event) = AsyncStream.makeStream(of: AgentEvent.self, bufferingPolicy: .bufferingNewest(1)) }

    /// From any thread.
    func add(_ next: AgentEvent) {
        isStopping.withLock { isStopping in
            guard !isStopping else { return }
            if next == .stop {
                isStopping = true
                hurry.open()
            }
            event.yield(next)
        }
    }
}

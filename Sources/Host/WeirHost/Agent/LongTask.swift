// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Something that works until it is told to stop, however many configurations want it meanwhile.
protocol LongTask: AnyObject, Sendable {
    var ending: TaskEnding { get }
    /// Until it is cancelled.
    func work() async
}

/// How far a task is from its end.
final class TaskEnding: Sendable {
    fileprivate let isWanted = Gate<Void>()
    fileprivate let isReached = Gate<Void>()
}

extension LongTask {
    /// Called once, by the task's root.
    fileprivate func run() async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.work() }
                await ending.isWanted.wait()
                group.cancelAll()
            }
        } onCancel: {
            ending.isWanted.open()
        }
        ending.isReached.open()
    }

    /// Cancels the work, and does not wait.
    func stop() { ending.isWanted.open() }

    var hasEnded: Bool { ending.isReached.value != nil }
}

/// Where all long tasks hang: one tree over all configurations, so that a reload cancels nothing that goes on.
package final class TaskRoot: Sendable {
    private let tasks: AsyncStream<any LongTask>
    private let task: AsyncStream<any LongTask>.Continuation

    package init() { (tasks, task) = AsyncStream.makeStream(of: (any LongTask).self) }

    /// Until it is cancelled; then it waits for what still runs.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await task in tasks { group.addTask { await task.run() } }
            group.cancelAll()
        }
    }

    func start(_ next: any LongTask) { task.yield(next) }
}

/// A task that needs nothing but its body.
final class PlainTask: LongTask {
    let ending = TaskEnding()
    private let body: @Sendable () async -> Void

    init(_ body: @escaping @Sendable () async -> Void) { self.body = body }

    func work() async { await body() }
}

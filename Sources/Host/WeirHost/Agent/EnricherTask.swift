// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization
internal import WeirKit

/// One enricher's `run`, over all configurations that its instance is part of.
final class EnricherTask: LongTask {
    let ending = TaskEnding()
    let instance: MadeInstance
    private let stage: any Stage
    private let runner: StageRunner
    private let wish = Mutex(Wish())

    private struct Wish {
        /// What it is to learn; nil: nothing, nobody asks it.
        var asked: Set<Attribute>?
        /// Opens when it is to learn something else.
        var isOver = Gate<Void>()
        /// `run` was called for it: only now does the stage know what is asked of it, and whether it is ready for that.
        var isBegun = false
        /// `run` returned: there is nothing more to learn.
        var isDone = false

        mutating func replace(by next: Set<Attribute>?) {
            isOver.open()
            self = Wish(asked: next)
        }
    }

    /// Inert until it is started, and told to learn.
    init(_ instance: MadeInstance, _ stage: any Stage, _ runner: StageRunner) {
        self.instance = instance
        self.stage = stage
        self.runner = runner
    }

    /// Learns for these attributes too. What it learns already is not given up: what an old configuration asks must be answered until the
    /// new one runs, and to begin again for less would gain nothing. True when its run begins, or begins anew.
    func learn(_ attributes: Set<Attribute>) -> Bool {
        wish.withLock { wish in
            if let asked = wish.asked, attributes.isSubset(of: asked) { return false }
            if wish.asked == nil, stage.tellsResource { instance.resource.expect() }
            wish.replace(by: attributes.union(wish.asked ?? []))
            return true
        }
    }

    /// Nobody asks it any more. Its knowledge stays.
    func rest() {
        let wasLearning = wish.withLock { wish in
            defer { if wish.asked != nil { wish.replace(by: nil) } }
            return wish.asked != nil
        }
        if wasLearning { runner.states.forget(runner.name) }
    }

    /// Whether the first answers are there, or will not come.
    var isReady: Bool { wish.withLock { $0.isDone || $0.isBegun && stage.isReady } }

    func work() async {
        while !Task.isCancelled {
            let current = wish.withLock { $0 }
            await withDiscardingTaskGroup { group in
                if let asked = current.asked {
                    group.addTask { [self] in
                        let isDone = await runner.run { [self] in
                            defer { instance.resource.settle() }
                            wish.withLock { if $0.isOver === current.isOver { $0.isBegun = true } }
                            try await stage.run(for: asked)
                        }
                        if isDone { wish.withLock { if $0.isOver === current.isOver { $0.isDone = true } } }
                    }
                }
                await withTaskCancellationHandler {
                    await current.isOver.wait()
                } onCancel: {
                    current.isOver.open()
                }
                group.cancelAll()
            }
        }
    }
}

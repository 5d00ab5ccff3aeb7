// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import Logging
internal import Synchronization
package import WeirKit

/// Lists one resource and watches it from then on, for as long as its task runs.
///
/// What does not work is counted, said at most once a minute (a missing right once), and tried again; what the receiver knows stays.
package final class Reflector<Object: KubernetesObject>: Sendable {
    private let resource: KubernetesResource
    private let labels: [String]
    private let options: ReflectorOptions
    private let transport: any KubernetesTransport
    private let metrics: ReflectorMetrics
    private let log: Logger
    private let state = Mutex(ReflectorHealth())
    /// What is said of this resource alone.
    private let talk = TroubleTalk()
    /// What is said of the server.
    private let serverTalk: TroubleTalk

    /// Keeps those of `labels`. Inert until `run`.
    package init(
        _ resource: KubernetesResource, labels: [String] = [], from transport: any KubernetesTransport,
        options: ReflectorOptions = ReflectorOptions(), metrics: MetricRegistry, log: Logger
    ) {
        self.resource = resource
        self.labels = labels
        self.options = options
        self.transport = transport
        self.metrics = ReflectorMetrics(metrics, resource: resource)
        self.log = log
        serverTalk = transport.talk ?? talk
    }

    /// How fresh what was told is. Callable from anywhere.
    package var health: ReflectorHealth { state.withLock { $0 } }

    /// Tells `apply` all there is and all that changes, in order, a batch per piece of an answer (some hundred objects at most), each
    /// after the one before was taken: a slow receiver slows the server down. Ends only by cancellation of its task.
    package func run(apply: @Sendable ([ReflectorEvent<Object>]) async -> Void) async throws(CancellationError) {
        var watch = ListWatch<Object>(resource, labels: labels, machine: ListWatchMachine(options), metrics: metrics)
        while !Task.isCancelled {
            let step = watch.next()
            switch step {
            case .wait(let pause): do { try await Task.sleep(for: pause) } catch { throw CancellationError() }
            case .list(let query): await ask(resource.request(query, options), step, &watch, apply)
            case .watch(let query): await ask(resource.request(query, options), step, &watch, apply)
            }
        }
        throw CancellationError()
    }

    private func ask(
        _ request: KubernetesRequest, _ step: ListWatchMachine.Step, _ watch: inout ListWatch<Object>,
        _ apply: @Sendable ([ReflectorEvent<Object>]) async -> Void
    ) async {
        var failure: KubernetesError?
        do throws(KubernetesError) {
            let answer = try await transport.open(request)
            await tell(watch.answered(step, status: answer.status, retryAfter: answer.retryAfter, at: .now), &watch, apply)
            while let piece = try await answer.nextPiece() {
                let (events, isOver) = watch.take(piece, at: .now)
                await tell(events, &watch, apply)
                if isOver || Task.isCancelled {
                    answer.cancel()
                    break
                }
            }
        } catch { failure = error }
        if Task.isCancelled { return }
        await tell(watch.end(failure, at: .now), &watch, apply)
        if let trouble = watch.takeTrouble() { (trouble.reason.isOfServer ? serverTalk : talk).say(trouble, of: resource, log) }
    }

    private func tell(
        _ events: [ReflectorEvent<Object>], _ watch: inout ListWatch<Object>, _ apply: @Sendable ([ReflectorEvent<Object>]) async -> Void
    ) async {
        let health = watch.health
        state.withLock { $0 = health }
        if case .endList = events.last { talk.recover() }
        if !events.isEmpty { await apply(events) }
    }
}

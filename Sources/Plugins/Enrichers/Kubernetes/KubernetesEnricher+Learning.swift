// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import KubernetesClient
internal import Logging
internal import Synchronization
public import WeirKit

/// The lists that are watched, and what of them is still to come.
struct Watching: Sendable {
    /// The resources whose first list is not at its end.
    var awaited: Set<String>
    /// How fresh each is.
    var health: [String: @Sendable () -> ReflectorHealth] = [:]

    func health(of resource: KubernetesResource) -> ReflectorHealth? { health[resource.description]?() }

    /// For how long the API server has said nothing of what it is longest silent about. What it has never let us read does not count.
    func silence(since start: ContinuousClock.Instant) -> Duration {
        let heard = health.values.map { $0() }.filter { $0.lastContact != nil || !$0.isRefused }
        return heard.map { ContinuousClock.now - ($0.lastContact ?? start) }.max() ?? .zero
    }
}

extension KubernetesEnricher {
    /// Objects that are deleted under one lock.
    private static let portion = 512

    public func run() async throws { try await run(for: writes) }

    public func run(for attributes: Set<Attribute>) async throws {
        // What a file says is all there is.
        guard options.objects.isEmpty else { return }
        state.withLock { $0.isBeginning = true }
        let access =
            options.kubeconfig.isEmpty ? try KubernetesAccess.inCluster() : try Kubeconfig.access(options.kubeconfig, context: options.context)
        try await learn(from: KubernetesAPI(access), for: attributes)
    }

    /// Until it is cancelled. `attributes` say which lists are needed: an owner needs those of ReplicaSets and Jobs, a name those
    /// of Services, a namespace's label that of namespaces.
    package func learn(from api: KubernetesAPI, for attributes: Set<Attribute>) async throws {
        var work: [@Sendable () async throws -> Void] = []
        var watching = Watching(awaited: [])
        func watch<Object>(_ feed: Feed<Object>) {
            let reflector = Reflector<Object>(
                feed.resource, labels: feed.labels, from: api, options: timing.reflector, metrics: context.metrics, log: context.log)
            watching.awaited.insert(feed.resource.description)
            watching.health[feed.resource.description] = { reflector.health }
            work.append { [self] in try await reflector.run { self.take($0, feed) } }
        }
        watch(.pods(options))
        watch(.nodes(options))
        if !attributes.isDisjoint(with: Attribute.k8sNames.union(Attribute.dialled)) { watch(.services()) }
        if !attributes.isDisjoint(with: Attribute.k8sOwners) {
            watch(.controllers(.replicaSet))
            watch(.controllers(.job))
        }
        if !attributes.isDisjoint(with: options.labels.namespace.map(\.attribute)) { watch(.namespaces(options)) }

        begin(watching)
        try await withThrowingTaskGroup { group in
            for job in work { group.addTask { try await job() } }
            group.addTask { try await self.beat() }
            group.addTask { try await self.findCluster(api) }
            try await group.waitForAll()
        }
    }

    private func begin(_ new: Watching) {
        let now = now
        let isMore = watching.withLock { watching in
            defer { watching = new }
            return !new.awaited.isSubset(of: watching.health.keys)
        }
        state.withLock { state in
            // A run that is called again after an error has the knowledge of the one before; one that is called for more has not.
            if state.phase == .idle || isMore { state.phase = .learning }
            state.isBeginning = false
        }
        patienceEnds.withLock { $0 = now.monotonic + Double(timing.patience.milliseconds) / 1000 }
    }

    private func take<Object>(_ events: [ReflectorEvent<Object>], _ feed: Feed<Object>) {
        var rest = events[...]
        while !rest.isEmpty {
            var unnamed: [ObjectUID] = []
            var isListed = false
            state.withLock { state in
                let now = self.now
                while !isListed, let event = rest.popFirst() {
                    switch event {
                    case .beginList: feed.begin(&state)
                    case .put(let object): feed.put(&state, object, now)
                    case .delete(let identity): feed.delete(&state, ObjectUID(identity.uid), now)
                    case .endList:
                        unnamed = feed.end(&state)
                        isListed = true
                    case .caughtUp: break
                    }
                }
            }
            while !unnamed.isEmpty {
                state.withLock { state in
                    let now = self.now
                    for uid in unnamed.prefix(Self.portion) { feed.delete(&state, uid, now) }
                }
                unnamed.removeFirst(min(Self.portion, unnamed.count))
            }
            if isListed { listed(feed.resource) }
        }
        // At once, and not with the next beat: the next batch may have rows of an address that is another's now.
        handOn(state.withLock { $0.phase == .learning ? ChangedAddresses() : $0.knowledge.takeChanged() })
    }

    /// Has what changed asked again. The pipeline gathers what comes between two batches, and makes one pass for all of it.
    private func handOn(_ changed: ChangedAddresses) {
        if changed.all { return context.invalidate(.all) }
        for address in changed.addresses { context.invalidate(.address(address)) }
    }

    /// One list was read to its end; after the last of the first ones all that was asked before is asked again.
    private func listed(_ resource: KubernetesResource) {
        let isComplete = watching.withLock { watching in
            watching.awaited.remove(resource.description) != nil && watching.awaited.isEmpty
        }
        let name = state.withLock { state in
            if resource == .pods { state.hearsOfPods = true }
            let knew = state.cluster.name
            return resource == .nodes && state.cluster.settle() && knew == nil ? state.cluster.name : nil
        }
        tellCluster(name)
        guard isComplete else { return }
        state.withLock { state in
            state.phase = .ready
            _ = state.knowledge.takeChanged()
        }
        metrics.synced.set(1)
        context.invalidate(.all)
    }

    private func beat() async throws {
        while true {
            try await Task.sleep(for: timing.beat)
            tick()
        }
    }

    private func tick() {
        let watching = watching.withLock { $0 }
        let patienceEnds = patienceEnds.withLock { $0 }
        let isDeaf = watching.health(of: .pods)?.failingSince != nil
        let (changed, ended, isLate, counts, unsettled, refused) = state.withLock { state in
            let now = self.now
            state.knowledge.forget(at: now)
            let ended = state.unsettled.end(at: now.monotonic)
            let isLate = state.phase == .learning && now.monotonic >= patienceEnds
            if isLate { state.phase = .late }
            state.hearsOfPods = !isDeaf && !watching.awaited.contains(KubernetesResource.pods.description)
            return (
                state.knowledge.takeChanged(), ended, isLate, state.knowledge.counts, state.unsettled.count,
                (state.unsettled.refused, state.knowledge.refusedAddresses)
            )
        }
        handOn(changed)
        if isLate { context.invalidate(.all) }
        for address in ended { context.invalidate(.address(address)) }
        metrics.pods.set(UInt64(counts.pods))
        metrics.nodes.set(UInt64(counts.nodes))
        metrics.services.set(UInt64(counts.services))
        metrics.controllers.set(UInt64(counts.controllers))
        metrics.addresses.set(UInt64(counts.addresses))
        metrics.texts.set(UInt64(counts.texts))
        metrics.unsettled.set(UInt64(unsettled))
        metrics.unsettledRefused.set(refused.0)
        metrics.addressesRefused.set(refused.1)
        metrics.knowledgeAge.set(UInt64(max(watching.silence(since: start).components.seconds, 0)))
    }

    /// Waits for the nodes' labels, however long, or until it is clear that they may not be read; then asks for kube-system.
    private func findCluster(_ api: KubernetesAPI) async throws {
        var pause = timing.clusterPause
        while state.withLock({ $0.cluster.name }) == nil {
            try await Task.sleep(for: pause)
            let watching = watching.withLock { $0 }
            let awaitsNodes = watching.awaited.contains(KubernetesResource.nodes.description)
            if awaitsNodes, watching.health(of: .nodes)?.isRefused != true { continue }
            do {
                if let object = try await api.metadata(.namespaces, name: "kube-system") {
                    let name = state.withLock { state in
                        state.cluster.settle(uid: object.uid)
                        return state.cluster.name
                    }
                    tellCluster(name)
                }
            } catch {
                context.log.debug("cluster not named yet", metadata: ["reason": "\(error)"])
            }
            pause = min(pause * 2, .seconds(60))
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import WeirKit

/// Answers from what the last scan of the cgroup tree found; an unknown cgroup makes `run()` scan again.
public final class LocalOwnerEnricher: EndpointEnricher {
    public static let systemdUnit = Attribute.endpoint("systemd.unit", "The systemd unit of the local socket, as systemctl shows it.", needs: .owner)
    public static let containerID = Attribute.endpoint("container.id", "The id of the container that owns the local socket.", needs: .owner)
    public static let podUID = Attribute.endpoint("k8s.pod.uid", "The uid of the pod that owns the local socket.", needs: .owner)

    public let writes: Set<Attribute> = [.ownerName, .ownerType, systemdUnit, containerID, podUID]

    /// Scans are at least so far apart, and take at most a tenth of the time.
    private static let pause: Duration = .milliseconds(200)

    private let options: LocalOwnerOptions
    private let context: PluginContext
    private let metrics: Metrics
    private let owners = Mutex(CgroupOwners())
    private let hasScanned = Atomic(false)
    /// Wakes the `run()` that is running.
    private let scanWish = Mutex<AsyncStream<Void>.Continuation?>(nil)

    package init(_ options: LocalOwnerOptions, _ context: PluginContext) {
        self.options = options
        self.context = context
        metrics = Metrics(context.metrics)
    }

    public var isReady: Bool { hasScanned.load(ordering: .relaxed) }

    /// The cgroup of the socket must be in the kernel's key, whatever is asked of it.
    public func needs(for attributes: Set<Attribute>) -> KeyFields { attributes.isDisjoint(with: writes) ? [] : .owner }

    public func enrich(_ endpoints: inout EndpointBatch) {
        var isAsking = false
        for row in endpoints.rows {
            let id = endpoints.owner(row)
            if id == 0 {
                // A source that sees no sockets still knows which addresses are this host's.
                if endpoints.isLocal(row) { answer(nil, row, &endpoints) }
                continue
            }
            switch owners.withLock({ $0.look(up: id) }) {
            case .known(let owner): answer(owner, row, &endpoints)
            case .absent: continue
            case .pending:
                for attribute in writes { endpoints.answer(attribute, row, .pending) }
                isAsking = true
            }
        }
        if isAsking { scanWish.withLock { _ = $0?.yield() } }
    }

    /// Nil is the host itself.
    private func answer(_ owner: CgroupOwner?, _ row: Int, _ endpoints: inout EndpointBatch) {
        let (name, type) = (owner?.name ?? context.hostName, owner?.type ?? "host")
        // A pod's uid, and the name of this host, are the best that can be had without a cluster; a stage that knows the cluster knows better.
        let isFinal = owner.map { $0.pod == nil } ?? false
        endpoints.answer(.ownerName, row, isFinal ? .text(name) : .fallback(name))
        endpoints.answer(.ownerType, row, isFinal ? .text(type) : .fallback(type))
        for (attribute, text) in [(Self.systemdUnit, owner?.unit), (Self.containerID, owner?.container), (Self.podUID, owner?.pod)] {
            if let text { endpoints.answer(attribute, row, .text(text)) }
        }
    }

    /// Scans once, then whenever `enrich` met a cgroup it does not know. What was not found by a scan that did not see
    /// everything is invalidated after a while, so that `enrich` meets it again.
    public func run() async throws {
        let tree = try CgroupTree(at: options.cgroupRoot)
        // One wish is as good as many; what was wished for before is what the first scan is for.
        let (wishes, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        scanWish.withLock { $0 = continuation }
        try await scan(tree)
        try await withThrowingTaskGroup { group in
            group.addTask { for await _ in wishes { try await self.scan(tree) } }
            group.addTask {
                while true {
                    try await Task.sleep(for: CgroupOwners.doubt / 3)
                    for id in self.owners.withLock({ $0.forgetDoubtful(at: .now) }) { self.context.invalidate(.owner(id)) }
                }
            }
            // Whichever ends first, by an error or because the run was cancelled, takes the other along.
            try await group.next()
            group.cancelAll()
        }
    }

    private func scan(_ tree: CgroupTree) async throws {
        let start = ContinuousClock.now
        let (known, waiting) = owners.withLock { ($0.known, $0.asked) }
        let found = try tree.scan()
        let merged = CgroupOwners.merged(known, with: found.paths, isWhole: found.isWhole, at: start)
        let answered = owners.withLock { $0.learn(merged, waiting: waiting, isWhole: found.isWhole, at: start) }
        for id in answered { context.invalidate(.owner(id)) }

        hasScanned.store(true, ordering: .relaxed)
        metrics.scans.add()
        metrics.cgroups.set(UInt64(found.paths.count))
        metrics.notFound.add(UInt64(answered.count { merged[$0] == nil }))
        if !found.isWhole { metrics.cutScans.add() }
        try await Task.sleep(for: max(Self.pause, (ContinuousClock.now - start) * 10))
    }
}

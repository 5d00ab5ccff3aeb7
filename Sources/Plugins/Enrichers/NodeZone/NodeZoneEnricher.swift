// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import KubernetesClient
internal import Synchronization
public import WeirKit

/// Answers from the labels of nodes, which it watches itself: what is behind an end is what an earlier stage says as `k8s.node.name`.
public final class NodeZoneEnricher: EndpointEnricher {
    /// The node, as `kubernetes` answers it.
    static let nodeName = Attribute.endpoint("k8s.node.name")
    private static let beat: Duration = .seconds(1)

    private enum Phase: Sendable {
        /// Nobody is finding out.
        case idle
        case learning
        /// The first list took too long, and flows wait no more.
        case late
        case ready
    }

    private struct State: Sendable {
        var places = NodePlaces()
        var phase = Phase.idle
    }

    public let reads: Set<Attribute> = [nodeName]
    public let writes: Set<Attribute> = [.zone, .region]

    private let options: NodeZoneOptions
    private let context: PluginContext
    private let metrics: Metrics
    private let patience: Duration
    private let state: Mutex<State>
    private let start = ContinuousClock.now

    /// `patience` is for how long after the start flows wait for the first list.
    package init(_ options: NodeZoneOptions, _ context: PluginContext, patience: Duration = .seconds(10)) {
        self.patience = patience
        self.options = options
        self.context = context
        metrics = Metrics(context.metrics)
        var state = State()
        for object in options.recorded {
            switch object.change {
            case .node(let node): _ = state.places.put(PartialObject(node.meta))
            case .delete(.nodes, let identity): state.places.delete(identity, at: 0)
            default: break
            }
        }
        self.state = Mutex(state)
    }

    public var isReady: Bool { state.withLock { $0.phase == .ready } }

    private var now: Double { Double((ContinuousClock.now - start).nanoseconds) / 1e9 }

    public func enrich(_ endpoints: inout EndpointBatch) {
        state.withLock { state in
            for row in endpoints.rows {
                guard let node = endpoints[Self.nodeName, row] else { continue }
                if let place = state.places[node] {
                    if let zone = place.zone { endpoints.answer(.zone, row, .text(zone)) }
                    if let region = place.region { endpoints.answer(.region, row, .text(region)) }
                } else if state.phase == .learning {
                    for attribute in [Attribute.zone, .region] { endpoints.answer(attribute, row, .pending) }
                }
            }
        }
    }

    public func run() async throws {
        // What a file says is all there is.
        guard options.objects.isEmpty else { return }
        let access =
            options.kubeconfig.isEmpty ? try KubernetesAccess.inCluster() : try Kubeconfig.access(options.kubeconfig, context: options.context)
        try await learn(from: KubernetesAPI(access))
    }

    /// Until it is cancelled.
    package func learn(from api: KubernetesAPI) async throws {
        var resource = KubernetesResource.nodes
        resource.metadataOnly = true
        let reflector = Reflector<PartialObject>(
            resource, labels: NodePlaces.labels, from: api, metrics: context.metrics, log: context.log)
        // A run that is called again after an error has the knowledge of the one before.
        state.withLock { if $0.phase == .idle { $0.phase = .learning } }
        let patienceEnds = now + Double(patience.milliseconds) / 1000
        try await withThrowingTaskGroup { group in
            group.addTask { try await reflector.run { self.take($0) } }
            group.addTask {
                while true {
                    try await Task.sleep(for: Self.beat)
                    self.tick(isPatient: self.now < patienceEnds, reflector.health)
                }
            }
            try await group.waitForAll()
        }
    }

    private func take(_ events: [ReflectorEvent<PartialObject>]) {
        let now = now
        let (isFirst, changed) = state.withLock { state in
            var isFirst = false
            var changed: Set<String> = []
            for event in events {
                switch event {
                case .beginList: state.places.beginList()
                case .put(let node): if let name = state.places.put(node) { changed.insert(name) }
                case .delete(let identity): state.places.delete(identity, at: now)
                case .endList:
                    state.places.endList(at: now)
                    isFirst = isFirst || state.phase != .ready
                    state.phase = .ready
                case .caughtUp: break
                }
            }
            return (isFirst, state.phase == .learning ? [] : changed)
        }
        if isFirst { return context.invalidate(.all) }
        tell(changed)
    }

    /// Has the ends behind these nodes asked again.
    private func tell(_ names: some Sequence<String>) {
        for name in names { context.invalidate(.value(Self.nodeName, name)) }
    }

    private func tick(isPatient: Bool, _ health: ReflectorHealth) {
        let now = now
        let (forgotten, isLate, count) = state.withLock { state in
            let isLate = state.phase == .learning && !isPatient
            if isLate { state.phase = .late }
            return (state.places.forget(at: now), isLate, state.places.count)
        }
        if isLate { context.invalidate(.all) }
        tell(forgotten)
        metrics.nodes.set(UInt64(count))
        let silence = (ContinuousClock.now - (health.lastContact ?? start)).components.seconds
        metrics.knowledgeAge.set(UInt64(max(silence, 0)))
    }
}

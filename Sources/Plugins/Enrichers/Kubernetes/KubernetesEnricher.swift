// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import KubernetesClient
internal import Synchronization
public import WeirKit

/// Answers from what the API server has told of the cluster so far.
///
/// Knowledge changes piece by piece and is large, so there is one copy of it behind a lock that nobody holds for longer than
/// a few hundred objects take. A batch of questions takes it once.
public final class KubernetesEnricher: EndpointEnricher, FlowEnricher {
    /// What it fills in beside the labels that users ask for.
    static let own: Set<Attribute> = [
        .k8sNamespace, .k8sName, .k8sType, .k8sOwnerName, .k8sOwnerType, .k8sNodeName, .k8sNodeIP, .k8sClusterName,
    ]
    /// How long things take; tests are in a hurry.
    package struct Timing: Sendable {
        /// For how long after the start flows wait for the first lists.
        package var patience: Duration = .seconds(10)
        /// How long an unknown address within the cluster may take to become a pod's: kubelet tells of a new address within about
        /// two seconds.
        package var settle: Duration = .seconds(5)
        /// How often what is gone is forgotten, waits end and the gauges are set.
        package var beat: Duration = .milliseconds(500)
        /// The first pause between questions for the cluster's name; it doubles up to a minute.
        package var clusterPause: Duration = .seconds(1)
        package var reflector = ReflectorOptions()

        package init() {}
    }

    public let reads: Set<Attribute> = [.sourceService, .destinationService]
    public let readsIfThere: Set<Attribute> = [.k8sPodUID]
    public let writes: Set<Attribute>

    let options: KubernetesOptions
    let context: PluginContext
    let metrics: Metrics
    let timing: Timing
    let state: Mutex<State>
    let watching = Mutex(Watching(awaited: []))
    /// Until when flows wait for the first lists, by the clock that nobody sets.
    let patienceEnds = Mutex(0.0)
    let start = ContinuousClock.now

    /// What the lock guards.
    struct State: Sendable {
        enum Phase: Sendable {
            /// Nobody is finding out: no `run()`, or none that got as far as to ask.
            case idle
            /// The first lists are under way, and flows wait for them.
            case learning
            /// They took too long, and flows wait no more.
            case late
            case ready
        }

        var knowledge: ClusterKnowledge
        var unsettled: Unsettled
        var cluster: ClusterName
        var phase = Phase.idle { didSet { knowledge.isLearning = phase == .learning } }
        /// `run` was called and has not found out yet whether it needs lists that it has not read.
        var isBeginning = false
        /// Whether news of pods come, so that waiting for one makes sense.
        var hearsOfPods = false
    }

    package init(_ options: KubernetesOptions, _ context: PluginContext, timing: Timing = Timing()) {
        self.timing = timing
        self.options = options
        self.context = context
        metrics = Metrics(context.metrics)
        var writes = Self.own.union([.name, .ownerName, .ownerType]).union(options.labels.attributes)
        if options.covered == .nodes { writes.insert(.covered) }
        if options.namesDialled { writes.formUnion(Attribute.dialled) }
        self.writes = writes
        var kept = KnowledgeOptions()
        kept.podLabels = options.labels.pod.map(\.label)
        kept.nodeLabels = options.labels.node.map(\.label)
        kept.namespaceLabels = options.labels.namespace.map(\.label)
        kept.covered = options.covered == .nodes ? options.selector : nil
        kept.grace = options.grace
        var knowledge = ClusterKnowledge(kept)
        var cluster = ClusterName(configured: options.clusterName)
        ObjectsFile.apply(options.recorded, to: &knowledge, &cluster)
        state = Mutex(
            State(knowledge: knowledge, unsettled: Unsettled(settle: Double(timing.settle.milliseconds) / 1000), cluster: cluster))
        tellCluster(cluster.name)
    }

    /// Now by both clocks. What changes knowledge reads it under the lock, so that moments are in order.
    var now: Moment {
        let monotonic = Double((ContinuousClock.now - start).nanoseconds) / 1e9
        return Moment(wall: Double(context.wallClock()) / 1e9, monotonic: monotonic)
    }

    func tellCluster(_ name: String?) {
        if let name { context.resource.set([Attribute.k8sClusterName.name: name]) }
    }

    public func reads(for attributes: Set<Attribute>) -> Set<Attribute> { attributes.isDisjoint(with: Attribute.dialled) ? [] : reads }

    public func needs(for attributes: Set<Attribute>) -> KeyFields { [] }

    public var isReady: Bool { state.withLock { $0.phase == .ready && !$0.isBeginning } }

    public func valueCount(of attribute: Attribute) -> Int? {
        switch attribute {
        case .k8sType: EndFacts.Kind.allCases.count
        case .covered: 1
        default: nil
        }
    }

    public func enrich(_ endpoints: inout EndpointBatch) {
        let answers = AnswerSheet(options.labels, writes)
        let wantsOwner = Attribute.k8sOwners.contains { endpoints.wants($0) }
        state.withLock { state in
            let now = self.now
            for row in endpoints.rows {
                let address = endpoints.address(row)
                let pod = endpoints[.k8sPodUID, row].map(ObjectUID.init)
                state.askLater(address, at: endpoints.time, now)
                guard let facts = state.knowledge.facts(of: address, pod: pod, at: endpoints.time) else {
                    if state.shouldWait(for: address, pod: pod, at: now) { answers.waitForAll(row, &endpoints) }
                    continue
                }
                // A node's address, and a socket of a pod that the API does not know: where it is, is known, and who it is not.
                if facts.kind == .node, pod != nil {
                    answers.place(facts, row, &endpoints)
                    if state.shouldWait(for: address, pod: pod, at: now) { answers.waitForNames(row, &endpoints) }
                    continue
                }
                answers.place(facts, row, &endpoints)
                answers.labels(facts, row, &endpoints)
                answers.names(facts, row, &endpoints)
                if facts.isOwnerFinal || !wantsOwner || !state.shouldWait(for: address, pod: pod, at: now, isKnown: true) {
                    answers.owner(facts, row, &endpoints)
                } else {
                    answers.waitForOwner(row, &endpoints)
                }
            }
        }
    }

    public func enrich(_ flows: inout FlowBatch) {
        state.withLock { state in
            if let name = state.cluster.name { flows.answerAll(.k8sClusterName, name) }
            for (end, name, namespace) in [
                (End.source, Attribute.sourceServiceName, Attribute.sourceServiceNamespace),
                (.destination, .destinationServiceName, .destinationServiceNamespace),
            ] where flows.wants(name) || flows.wants(namespace) {
                for row in flows.rows {
                    guard let address = flows.serviceAddress(end, row), let service = state.knowledge.service(at: address, flows.time) else {
                        continue
                    }
                    flows.answer(name, row, service.name)
                    flows.answer(namespace, row, service.namespace)
                }
            }
        }
    }
}

extension KubernetesEnricher.State {
    /// A window is asked about when it is over. Who got the address since then was handed on already, and would not be asked for again.
    mutating func askLater(_ address: IPAddress, at time: Double, _ now: Moment) {
        if phase != .idle, knowledge.changesHands(address, between: time, and: now.wall) { knowledge.note(address) }
    }

    /// Whether the answer may come in a moment.
    mutating func shouldWait(for address: IPAddress, pod: ObjectUID?, at now: Moment, isKnown: Bool = false) -> Bool {
        switch phase {
        case .idle: return false
        case .learning: return true
        case .late, .ready:
            guard hearsOfPods, isKnown || pod != nil || knowledge.mayBeBorn(address) else { return false }
            return unsettled.shouldWait(for: address, pod: pod, at: now.monotonic)
        }
    }
}

/// Writes what is known of one end into a batch.
private struct AnswerSheet {
    private let options: LabelAttributes
    private let writes: [Attribute]
    private static let names: Set<Attribute> = Attribute.k8sNames.union([.k8sOwnerName, .k8sOwnerType])

    init(_ options: LabelAttributes, _ writes: Set<Attribute>) {
        self.options = options
        self.writes = writes.filter { $0.subject == .endpoint }
    }

    func waitForAll(_ row: Int, _ endpoints: inout EndpointBatch) { wait(row, &endpoints) { _ in true } }
    func waitForNames(_ row: Int, _ endpoints: inout EndpointBatch) { wait(row, &endpoints, Self.names.contains) }
    func waitForOwner(_ row: Int, _ endpoints: inout EndpointBatch) { wait(row, &endpoints, Attribute.k8sOwners.contains) }

    private func wait(_ row: Int, _ endpoints: inout EndpointBatch, _ which: (Attribute) -> Bool) {
        for attribute in writes where which(attribute) { endpoints.answer(attribute, row, .pending) }
    }

    func place(_ facts: EndFacts, _ row: Int, _ endpoints: inout EndpointBatch) {
        text(.k8sNodeName, facts.nodeName, row, &endpoints)
        if let address = facts.nodeAddress, endpoints.wants(.k8sNodeIP) { endpoints.answer(.k8sNodeIP, row, .text(address.description)) }
        if facts.isCovered { endpoints.answer(.covered, row, .text("true")) }
    }

    /// Before what the API itself says: a label may be what the user calls the owner.
    func labels(_ facts: EndFacts, _ row: Int, _ endpoints: inout EndpointBatch) {
        for (entries, values) in [(options.pod, facts.podLabels), (options.namespace, facts.namespaceLabels), (options.node, facts.nodeLabels)] {
            for (entry, value) in zip(entries, values) { text(entry.attribute, value ?? "", row, &endpoints) }
        }
    }

    func names(_ facts: EndFacts, _ row: Int, _ endpoints: inout EndpointBatch) {
        text(.k8sNamespace, facts.namespace, row, &endpoints)
        text(.k8sName, facts.name, row, &endpoints)
        text(.k8sType, facts.kind.rawValue, row, &endpoints)
        text(.name, facts.name, row, &endpoints)
    }

    func owner(_ facts: EndFacts, _ row: Int, _ endpoints: inout EndpointBatch) {
        for attribute in [Attribute.k8sOwnerName, .ownerName] { text(attribute, facts.ownerName, row, &endpoints) }
        for attribute in [Attribute.k8sOwnerType, .ownerType] { text(attribute, facts.ownerType, row, &endpoints) }
    }

    private func text(_ attribute: Attribute, _ text: String, _ row: Int, _ endpoints: inout EndpointBatch) {
        if !text.isEmpty { endpoints.answer(attribute, row, .text(text)) }
    }
}

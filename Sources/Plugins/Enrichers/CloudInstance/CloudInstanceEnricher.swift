// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization
public import WeirKit

/// Answers for this host's own end from what the metadata service told `run()`, and for addresses of its own subnets where
/// the cloud has a subnet in one zone.
public final class CloudInstanceEnricher: EndpointEnricher {
    public let writes: Set<Attribute>

    private let options: CloudInstanceOptions
    private let context: PluginContext
    private let metrics: Metrics
    private let knowledge: Mutex<CloudKnowledge>

    package init(_ options: CloudInstanceOptions, _ context: PluginContext) {
        self.options = options
        self.context = context
        metrics = Metrics(context.metrics)
        var knowledge = CloudKnowledge(byHand: options.values)
        // A provider that is set by hand is known before anything is asked.
        if case .named = options.provider, let provider = options.candidates.first { _ = knowledge.recognise(provider) }
        self.knowledge = Mutex(knowledge)
        var fields = Set(options.values.keys)
        for candidate in options.candidates { fields.formUnion(candidate.fields) }
        writes = Set(fields.compactMap(\.attribute)).union(options.candidates.isEmpty ? [] : [CloudField.cloudProvider])
    }

    public var tellsResource: Bool { true }

    public var isReady: Bool { knowledge.withLock { $0.isTold } }

    /// There is one host.
    public func valueCount(of attribute: Attribute) -> Int? { 1 }

    public func enrich(_ endpoints: inout EndpointBatch) {
        let (facts, isPending) = knowledge.withLock { ($0.facts, $0.isPending) }  // one snapshot per batch
        let ofHost = facts.ofHost.filter { endpoints.wants($0.attribute) }
        let ofSubnets = facts.subnets.isEmpty ? [] : facts.ofSubnets.filter { endpoints.wants($0.attribute) }
        let open = isPending ? writes.filter { attribute in !facts.ofHost.contains { $0.attribute == attribute } } : []
        for row in endpoints.rows {
            let address = endpoints.address(row)
            if endpoints.isLocal(row) || endpoints.owner(row) != 0 || options.local.contains(where: { $0.contains(address) }) {
                for (attribute, text) in ofHost { endpoints.answer(attribute, row, .text(text)) }
                for attribute in open { endpoints.answer(attribute, row, .pending) }
            } else if !ofSubnets.isEmpty, facts.subnets.contains(where: { $0.contains(address) }) {
                for (attribute, text) in ofSubnets { endpoints.answer(attribute, row, .text(text)) }
            }
        }
    }

    /// Recognises the cloud, asks it, and asks again every `refresh`. Throws when an attempt failed, so that the host calls again
    /// after its back-off; what is known stays.
    public func run() async throws {
        publish(knowledge.withLock { $0.facts })
        guard let provider = recognised() else { return }
        tell(knowledge.withLock { $0.recognise(provider) })
        guard options.asks(provider) else { return }
        while true {
            try await attempt(provider)
            try await Task.sleep(for: options.refresh)
        }
    }

    private func recognised() -> MetadataProvider? {
        guard case .auto = options.provider else { return options.candidates.first }
        let machine = MachineIdentity(root: options.sysRoot)
        let found = options.candidates.first { $0.isHere(machine) }
        if found == nil {
            context.log.info("no cloud recognised by the firmware; set provider if there is one", metadata: ["cloud.root": "\(options.sysRoot)"])
        }
        return found
    }

    private func attempt(_ provider: MetadataProvider) async throws {
        knowledge.withLock { $0.beginAttempt() }
        let reading = await MetadataService(provider, endpoint: options.endpoint).ask()
        let (change, facts) = knowledge.withLock { ($0.endAttempt(reading, of: provider), $0.facts) }
        tell(change)
        context.resource.settle()
        try Task.checkCancellation()

        metrics.attempts.add()
        metrics.refused.add(UInt64(reading.refused))
        metrics.up.set(reading.problems.isEmpty ? 1 : 0)
        for problem in reading.problems { metrics.failed(problem.reason) }
        if change == .facts {
            metrics.changes.add()
            context.log.info(
                "instance known",
                metadata: [
                    "cloud.provider": "\(provider.name)", "cloud.zone": "\(facts.values[.zone] ?? "")",
                    "cloud.region": "\(facts.values[.region] ?? "")", "cloud.subnets": "\(facts.subnets.count)",
                ])
        }
        if let problem = reading.problems.first { throw problem }
        metrics.lastAnswer.set(context.wallClock() / 1_000_000_000)
    }

    /// Endpoints are asked for again only when an answer is another than before.
    private func tell(_ change: CloudKnowledge.Change) {
        if change == .facts { publish(knowledge.withLock { $0.facts }) }
        if change != .nothing { context.invalidate(.all) }
    }

    private func publish(_ facts: CloudFacts) {
        metrics.subnets.set(UInt64(facts.subnets.count))
        context.resource.set(facts.resource)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline

extension EnricherInstance {
    /// The same instance, with another stage asked about endpoints; what it says of flows stays.
    func askingInstead(_ other: (any EndpointEnricher) -> any EndpointEnricher) -> EnricherInstance {
        guard let endpoints = stage.endpointEnricher else { return self }
        guard let flows = stage.flowEnricher else { return EnricherInstance(name: name, stage: .endpoint(other(endpoints))) }
        return EnricherInstance(name: name, stage: .both(TwoHalves(endpoints: other(endpoints), flows: flows)))
    }
}

/// One stage made of two: each is asked for what it knows.
private struct TwoHalves: EndpointEnricher, FlowEnricher {
    let endpoints: any EndpointEnricher
    let flows: any FlowEnricher

    var reads: Set<Attribute> { endpoints.reads.union(flows.reads) }
    func reads(for attributes: Set<Attribute>) -> Set<Attribute> { endpoints.reads(for: attributes).union(flows.reads(for: attributes)) }
    var readsIfThere: Set<Attribute> { endpoints.readsIfThere.union(flows.readsIfThere) }
    var writes: Set<Attribute> { endpoints.writes.union(flows.writes) }
    func needs(for attributes: Set<Attribute>) -> KeyFields { endpoints.needs(for: attributes).union(flows.needs(for: attributes)) }
    func enrich(_ batch: inout EndpointBatch) { endpoints.enrich(&batch) }
    func enrich(_ batch: inout FlowBatch) { flows.enrich(&batch) }
}

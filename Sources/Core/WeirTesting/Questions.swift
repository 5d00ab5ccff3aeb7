// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// Asks an enricher as the pipeline does, and shows its answers.
public struct Questions {
    /// One end of a flow, as the capture might see it.
    public struct Endpoint: Sendable, Hashable {
        public var address: IPAddress
        public var owner: UInt64
        public var isLocal: Bool

        /// Traps when `address` is none: a test's mistake.
        public init(_ address: String, owner: UInt64 = 0, isLocal: Bool = false) {
            guard let parsed = IPAddress(address) else { preconditionFailure("'\(address)' is not an address") }
            self.address = parsed
            self.owner = owner
            self.isLocal = isLocal
        }
    }

    /// Per endpoint, in order: what the enricher answered for the attributes that it says it writes.
    /// `time` is when the answers must hold, in seconds since 1970.
    public static func ask(_ enricher: any EndpointEnricher, _ endpoints: [Endpoint], at time: Double = 0) -> [[Attribute: Answer]] {
        ask([enricher], endpoints, at: time)
    }

    /// Several enrichers in order of trust.
    public static func ask(_ enrichers: [any EndpointEnricher], _ endpoints: [Endpoint], at time: Double = 0) -> [[Attribute: Answer]] {
        let all = enrichers.reduce(into: Set<Attribute>()) { $0.formUnion($1.writes.union($1.reads).union($1.readsIfThere)) }
        let attributes = all.filter { $0.subject == .endpoint }.sorted { $0.name < $1.name }
        var batch = EndpointBatch(columns: attributes)
        batch.time = time
        for endpoint in endpoints { batch.append(endpoint.address, owner: endpoint.owner, isLocal: endpoint.isLocal) }
        for (index, enricher) in enrichers.enumerated() {
            batch.stage = UInt8(index + 1)
            enricher.enrich(&batch)
        }
        return batch.rows.map { row in
            var answers: [Attribute: Answer] = [:]
            for (column, attribute) in attributes.enumerated() {
                let cell = batch.cells[row * attributes.count + column]
                answers[attribute] = cell.text.map { .text($0) } ?? (cell.isPending ? .pending : .absent)
            }
            return answers
        }
    }

    /// What every enricher must keep to; the sentences that come back are broken promises. One that `reads` what others know is
    /// asked behind `earlier`, in their order: without their answers it has nothing to say.
    public static func brokenPromises(
        of enricher: any EndpointEnricher, after earlier: [any EndpointEnricher] = [], with endpoints: [Endpoint]
    ) -> [String] {
        var broken: [String] = []
        let stages = earlier + [enricher]
        if ask(stages, []).count != 0 { broken.append("an empty batch has an answer") }
        if ask(stages, endpoints) != ask(stages, endpoints) { broken.append("the same endpoints, asked twice, have different answers") }
        let everything = Attribute.builtIn.filter { $0.subject == .endpoint }
        let before = ask(earlier + [Listening(to: everything)], endpoints)
        let after = ask(stages + [Listening(to: everything)], endpoints)
        for attribute in everything
        where !enricher.writes.contains(attribute) && zip(before, after).contains(where: { $0[attribute] != $1[attribute] }) {
            broken.append("\(attribute.name) is answered and not among what the enricher writes")
        }
        let ends = enricher.writes.filter { $0.subject == .endpoint }
        let trusted = FixedAnswers(Dictionary(uniqueKeysWithValues: ends.map { ($0, "earlier") }))
        for answers in ask([trusted] + stages, endpoints) where ends.contains(where: { answers[$0] != .text("earlier") }) {
            broken.append("an earlier answer was replaced")
        }
        // A stage of two halves speaks of the flow too.
        let isOfEndsAlone = !(enricher is any FlowEnricher)
        for attribute in enricher.writes.union(enricher.reads) where isOfEndsAlone && attribute.subject != .endpoint {
            broken.append("\(attribute.name) is about the flow, and an endpoint enricher speaks of one end")
        }
        return broken
    }
}

/// Answers nothing, but has its attributes asked for.
private struct Listening: EndpointEnricher {
    let writes: Set<Attribute>
    init(to attributes: [Attribute]) { writes = Set(attributes) }
    func enrich(_ endpoints: inout EndpointBatch) {}
}

/// Answers every endpoint alike: a stage to stand before or behind the one under test.
public struct FixedAnswers: EndpointEnricher {
    private let answers: [Attribute: String]

    public init(_ answers: [Attribute: String]) { self.answers = answers }

    public var writes: Set<Attribute> { Set(answers.keys) }

    public func enrich(_ endpoints: inout EndpointBatch) {
        for row in endpoints.rows {
            for (attribute, text) in answers { endpoints.answer(attribute, row, .text(text)) }
        }
    }
}

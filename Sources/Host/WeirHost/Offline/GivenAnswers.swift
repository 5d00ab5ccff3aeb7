// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline

/// What a test says in place of a stage that would ask the world.
struct GivenAnswer: Sendable {
    /// The instance that says it; nil for a stage of its own in front of all others.
    var stage: String?
    var range: CIDR
    /// The cgroup of the socket; nil for any.
    var cgroup: UInt64?
    var answers: [(attribute: Attribute, answer: Answer)]
}

/// Stages that answer what they were given, and nothing else.
struct GivenAnswersStage: EndpointEnricher {
    let given: [GivenAnswer]
    let reads: Set<Attribute>
    let writes: Set<Attribute>

    func enrich(_ endpoints: inout EndpointBatch) {
        for row in endpoints.rows {
            // The first answer that fits stands, as among stages.
            var told: Set<Attribute> = []
            for item in given where item.range.contains(endpoints.address(row)) && (item.cgroup ?? endpoints.owner(row)) == endpoints.owner(row) {
                for (attribute, answer) in item.answers where told.insert(attribute).inserted { endpoints.answer(attribute, row, answer) }
            }
        }
    }

    /// `enrichers` with those replaced that have answers of their own: a stage that is given answers is not asked itself.
    static func replacing(_ enrichers: [EnricherInstance], with given: [GivenAnswer]) -> [EnricherInstance] {
        var result = enrichers.map { instance in
            let own = given.filter { $0.stage == instance.name }
            guard !own.isEmpty else { return instance }
            return instance.askingInstead { Self(given: own, reads: $0.reads, writes: $0.writes) }
        }
        let everybody = given.filter { $0.stage == nil }
        if !everybody.isEmpty {
            let writes = Set(everybody.flatMap { $0.answers.map(\.attribute) })
            result.insert(EnricherInstance(name: "(given)", stage: .endpoint(Self(given: everybody, reads: [], writes: writes))), at: 0)
        }
        return result
    }
}

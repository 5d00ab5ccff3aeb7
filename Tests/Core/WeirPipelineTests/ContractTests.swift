// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WeirKit
import WeirPipeline
import WeirTesting

/// What stages may say beyond a text.
@Suite struct ContractTests {
    @Test(
        "a fallback gives way to a later stage's text, and to nothing else",
        arguments: [
            ([Answer.fallback("uid")], "uid"),
            ([.fallback("uid"), .text("shop")], "shop"),
            ([.fallback("uid"), .fallback("other")], "uid"),
            ([.fallback("uid"), .absent], "uid"),
            ([.text("unit"), .fallback("uid")], "unit"),
            ([.text("unit"), .text("shop")], "unit"),
            ([.fallback("uid"), .text("")], "uid"),
        ])
    func fallback(_ answers: [Answer], _ expected: String) {
        let stages = answers.enumerated().map { TableStage(["10.0.0.4": [.ownerName: $1]]).instance(named: "stage\($0)") }
        var fixture = PipelineFixture("metrics: { network.flow.bytes: [src.owner.name] }", enrichers: stages)
        fixture.window([CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 10)])
        #expect(fixture.values("network.flow.bytes") == [expected: 10])
    }

    @Test("a flow waits for a later stage though an earlier one gave a fallback")
    func pendingBehindFallback() {
        let first = TableStage(["10.0.0.4": [.ownerName: .fallback("uid")]])
        let second = TableStage(["10.0.0.4": [.ownerName: .pending]])
        var fixture = PipelineFixture(
            "metrics: { network.flow.bytes: [src.owner.name] }", enrichers: [first.instance(named: "first"), second.instance(named: "second")])
        fixture.window([CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 10)])
        #expect(fixture.values("network.flow.bytes").isEmpty)
        second.table.withLock { $0["10.0.0.4"] = [.ownerName: .text("shop")] }
        fixture.invalidations.add(.address(IPAddress("10.0.0.4")!))
        fixture.window([])
        #expect(fixture.values("network.flow.bytes") == ["shop": 10])
    }

    @Test("what a covered address sends is left to its agent, whether a stage says so or the configuration")
    func covered() {
        let stage = TableStage(["10.0.0.4": [.covered: .text("true")], "10.0.0.5": [.covered: .text("false")]])
        var fixture = PipelineFixture(
            "{ metrics: { network.flow.bytes: [src.address] }, accounting: { covered: [10.0.0.6] } }", enrichers: [stage.instance])
        let flows = ["10.0.0.4", "10.0.0.5", "10.0.0.6"].map { CapturedFlow($0, "10.0.0.9", bytes: 10, observer: .destination) }
        fixture.window(flows)
        #expect(fixture.values("network.flow.bytes") == ["10.0.0.5": 10])
        #expect(fixture.metric("weir_pipeline_not_exported_bytes_total", "covered") == 20)
        stage.table.withLock { $0["10.0.0.4"] = [:] }
        fixture.invalidations.add(.address(IPAddress("10.0.0.4")!))
        fixture.window(flows)
        #expect(fixture.values("network.flow.bytes") == ["10.0.0.4": 10, "10.0.0.5": 20])
    }

    @Test("a rule that leaves nothing to others asks nobody who is covered")
    func everybodyCounts() {
        let stage = TableStage(["10.0.0.4": [.covered: .text("true")]])
        var fixture = PipelineFixture(
            "{ metrics: { network.flow.bytes: [src.address] }, accounting: { observer: both } }", enrichers: [stage.instance])
        fixture.window([CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 10, observer: .destination)])
        #expect(fixture.values("network.flow.bytes") == ["10.0.0.4": 10])
        #expect(stage.asked.withLock { $0.isEmpty })
    }

    @Test("a stage of two halves names the ends and the flow")
    func both() {
        var fixture = PipelineFixture(
            "metrics: { network.flow.bytes: [src.owner.name, k8s.cluster.name] }",
            enrichers: [EnricherInstance(name: "both", stage: .both(ClusterStage()))])
        fixture.window((1...3).map { CapturedFlow("10.0.0.\($0)", "10.0.0.9", bytes: 10) })
        #expect(fixture.values("network.flow.bytes") == ["pod|prod": 30])
    }

    @Test("facts of the host: the first stage that knows is right, and each replaces only its own")
    func resource() {
        let facts = ResourceFacts()
        let (first, second) = (facts.handle(rank: 0), facts.handle(rank: 1))
        second.set(["cloud.provider": "gcp", "host.id": "7"])
        #expect(facts.read() == ["cloud.provider": "gcp", "host.id": "7"])
        first.set(["cloud.provider": "aws", "empty": ""])
        #expect(facts.read() == ["cloud.provider": "aws", "host.id": "7"])
        second.set([:])
        #expect(facts.read() == ["cloud.provider": "aws"])
        first.set(Dictionary(uniqueKeysWithValues: (0..<1000).map { ("k\($0)", String(repeating: "x", count: 1000)) }))
        #expect(facts.read().count == ResourceFacts.maxFacts)
        #expect(facts.read().values.allSatisfy { $0.utf8.count == 256 })
    }
}

/// Answers for both ends alike, and one attribute of the flow.
private struct ClusterStage: EndpointEnricher, FlowEnricher {
    static let cluster = Attribute.flow("k8s.cluster.name")
    let writes: Set<Attribute> = [.ownerName, cluster]

    func enrich(_ endpoints: inout EndpointBatch) {
        for row in endpoints.rows { endpoints.answer(.ownerName, row, .text("pod")) }
    }

    func enrich(_ flows: inout FlowBatch) { flows.answerAll(Self.cluster, "prod") }
}

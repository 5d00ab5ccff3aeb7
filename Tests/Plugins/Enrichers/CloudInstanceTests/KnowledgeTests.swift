// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CloudInstanceEnricher
import Testing
import WeirKit
import WeirTesting

@Suite("cloud_instance: what is known, attempt by attempt")
struct KnowledgeTests {
    private static let problem = MetadataProblem(reason: "timeout", "ask")

    private func reading(_ values: [CloudField: String], subnets: [CIDR]? = nil, problems: [MetadataProblem] = []) -> MetadataReading {
        var reading = MetadataReading()
        reading.values = values
        reading.subnets = subnets
        reading.problems = problems
        return reading
    }

    @Test("the first attempt is pending until it ends, whether it ends well or not; later ones are not")
    func pending() throws {
        let aws = try #require(MetadataProvider.named("aws"))
        var knowledge = CloudKnowledge(byHand: [:])
        #expect(!knowledge.isPending)
        #expect(knowledge.recognise(aws) == .facts && knowledge.recognise(aws) == .nothing)
        knowledge.beginAttempt()
        #expect(knowledge.isPending)
        // Nothing was learned, but nobody need wait any longer.
        #expect(knowledge.endAttempt(reading([:], problems: [Self.problem]), of: aws) == .pendingIsOver)
        knowledge.beginAttempt()
        #expect(!knowledge.isPending)
        #expect(knowledge.endAttempt(reading([.zone: "a"]), of: aws) == .facts)
        knowledge.beginAttempt()
        #expect(knowledge.endAttempt(reading([.zone: "a"]), of: aws) == .nothing)
    }

    @Test("an attempt that is told all replaces what was known; one that is told a part keeps the rest; one that is told nothing keeps all")
    func parts() throws {
        let aws = try #require(MetadataProvider.named("aws"))
        let subnet = try #require(CIDR("10.0.0.0/20"))
        var knowledge = CloudKnowledge(byHand: [:])
        _ = knowledge.recognise(aws)
        _ = knowledge.endAttempt(reading([.zone: "a", .region: "r"], subnets: [subnet]), of: aws)
        #expect(knowledge.endAttempt(reading([.zone: "b"], problems: [Self.problem]), of: aws) == .facts)
        #expect(knowledge.facts.values == [.zone: "b", .region: "r"] && knowledge.facts.subnets == [subnet])
        #expect(knowledge.endAttempt(reading([:], problems: [Self.problem]), of: aws) == .nothing)
        #expect(knowledge.endAttempt(reading([.zone: "b"], subnets: []), of: aws) == .facts)
        #expect(knowledge.facts.values == [.zone: "b"] && knowledge.facts.subnets == [])
    }

    @Test("what is set by hand holds through any attempts, what failed costs nothing that was known, and a change is told exactly when there is one")
    func random() throws {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        for _ in 0..<300 {
            let byHand = CloudField.settable.filter { _ in random.below(4) == 0 }.reduce(into: [CloudField: String]()) { $0[$1] = "hand" }
            var knowledge = CloudKnowledge(byHand: byHand)
            let clouds = Array(MetadataProvider.all.prefix(2))
            var attempts = 0
            for _ in 0..<20 {
                let cloud = clouds[random.below(10) == 0 ? 1 : 0]
                let before = knowledge.facts
                if random.below(3) == 0 {
                    let change = knowledge.recognise(cloud)
                    #expect((change == .facts) == (before != knowledge.facts), "seed \(seed)")
                    #expect(knowledge.facts.provider == cloud.name, "seed \(seed)")
                    continue
                }
                knowledge.beginAttempt()
                attempts += 1
                #expect(knowledge.isPending == (attempts == 1), "seed \(seed)")
                let values = CloudField.allCases.filter { _ in random.below(2) == 0 }.reduce(into: [CloudField: String]()) {
                    $0[$1] = "v\(random.below(3))"
                }
                let failed = random.below(2) == 0
                let read = reading(random.below(3) == 0 ? [:] : values, problems: failed ? [Self.problem] : [])
                let change = knowledge.endAttempt(read, of: cloud)
                #expect(!knowledge.isPending && (change == .facts) == (before != knowledge.facts), "seed \(seed)")
                for (field, text) in byHand { #expect(knowledge.facts.values[field] == text, "seed \(seed)") }
                for (field, text) in read.values where byHand[field] == nil { #expect(knowledge.facts.values[field] == text, "seed \(seed)") }
                if failed, before.provider == cloud.name {
                    for (field, text) in before.values where read.values[field] == nil {
                        #expect(knowledge.facts.values[field] == text, "seed \(seed)")
                    }
                }
            }
        }
    }

    @Test("the resource has OpenTelemetry's names")
    func resource() {
        let all = CloudField.allCases.reduce(into: [CloudField: String]()) { $0[$1] = $1.rawValue }
        #expect(
            CloudFacts(provider: .named("azure"), values: all).resource == [
                "cloud.provider": "azure", "cloud.platform": "azure.vm", "cloud.account.id": "account_id", "cloud.region": "region",
                "cloud.availability_zone": "zone", "host.id": "host_id", "host.type": "host_type", "host.name": "hostName",
                "host.image.id": "imageID",
            ])
        #expect(CloudFacts().resource == [:])
        #expect(CloudFacts(provider: .named("digitalocean")).resource == ["cloud.provider": "digitalocean"])
    }
}

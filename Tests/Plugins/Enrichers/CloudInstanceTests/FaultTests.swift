// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CloudInstanceEnricher
import FakeMetadata
import ScriptedServer
import Synchronization
import Testing
import WeirKit
import WeirTesting

@Suite("cloud_instance: a service that is broken", .timeLimit(.minutes(2)))
struct FaultTests {
    private static let limit = Duration.milliseconds(500)

    /// What is counted, one of these words; nil where the answers are right all the same.
    private static func reasons(_ fault: FakeMetadata.Fault, token: Bool) -> Set<String>? {
        switch fault {
        case .unauthorized, .unavailable: ["status"]
        case .notFound: [token ? "status" : "nothing"]
        case .html, .junk: ["content"]
        case .huge: ["too_large"]
        case .hang, .stall, .drip: ["timeout"]
        case .reset: ["reset", "closed"]
        case .cut: ["closed", "reset"]
        case .redirect: ["redirect"]
        case .noise: ["protocol"]
        case .noToken: token ? ["status"] : nil
        case .wrongType: nil
        }
    }

    static let cases = ["aws", "gcp", "azure", "hetzner"].flatMap { cloud in FakeMetadata.Fault.allCases.map { (cloud, $0) } }

    @Test("it costs its time and no more, nothing wrong is learned, and it is said why", arguments: cases)
    func fault(cloud: String, fault: FakeMetadata.Fault) async throws {
        let service = try Service(cloud, fault: fault)
        let start = ContinuousClock.now
        let reading = await service.ask(within: Self.limit)
        let took = ContinuousClock.now - start
        #expect(took < Self.limit + .milliseconds(500), "took \(took)")
        if let reasons = Self.reasons(fault, token: service.provider.token != nil) {
            #expect(reading.values.isEmpty && (reading.subnets ?? []).isEmpty)
            #expect(!reading.problems.isEmpty && Set(reading.problems.map(\.reason)).isSubset(of: reasons), "\(reading.problems)")
        } else {
            #expect(reading.values == service.expected && reading.problems.isEmpty)
        }
        // Sent elsewhere, it does not go.
        #expect(!service.server.requests.contains { $0.path == "/elsewhere" })
    }

    @Test("nobody there")
    func nobody() async throws {
        let service = try Service("gcp")
        let address = service.server.url
        service.server.stop()
        let provider = service.provider
        #expect(Set(await MetadataService(provider, endpoint: address).ask().problems.map(\.reason)) == ["connect"])
    }

    @Test("an answer of another service, without the signature, is not believed")
    func signature() async throws {
        let server = try ScriptedServer { _, connection in try connection.respond("eu-west-1a") }
        let reading = await MetadataService(try #require(MetadataProvider.named("gcp")), endpoint: server.url).ask()
        #expect(reading.values.isEmpty && Set(reading.problems.map(\.reason)) == ["content"])
    }

    @Test("a token that does not fit a header is not sent", arguments: ["a\r\nX-Evil: 1", "", "a b", String(repeating: "a", count: 5000), "é"])
    func badToken(token: String) async throws {
        let server = try ScriptedServer { request, connection in try connection.respond(request.method == "PUT" ? token : "eu-west-1a") }
        let reading = await MetadataService(try #require(MetadataProvider.named("aws")), endpoint: server.url).ask()
        #expect(reading.values.isEmpty && reading.problems.map(\.reason) == ["content"] && server.requests.count == 1)
    }

    @Test("whatever mix of faults a service has, what is learned is true, and what is not learned is a problem or not there")
    func mix() async throws {
        let seed = SplitMix64.freshSeed
        let random = Mutex(SplitMix64(seed: seed))
        let faults: [FakeMetadata.Fault?] =
            Array(repeating: nil, count: 12) + [.unauthorized, .notFound, .unavailable, .html, .reset, .cut, .redirect, .wrongType, .noise, .junk]
        for round in 0..<60 {
            let cloud = random.withLock { FakeMetadata.clouds.randomElement(using: &$0) } ?? "aws"
            let right = try #require(FakeMetadata(cloud))
            let server = try ScriptedServer { request, connection in
                var fake = right
                // The first is the token, without which there is nothing to see.
                fake.fault = request.method == "PUT" ? nil : random.withLock { faults.randomElement(using: &$0) ?? nil }
                try fake.handler(request, connection)
            }
            let provider = try #require(MetadataProvider.named(cloud))
            let reading = await MetadataService(provider, endpoint: server.url).ask()
            let expected = right.values.reduce(into: [CloudField: String]()) { fields, entry in
                if let field = CloudField.named(entry.key) { fields[field] = entry.value }
            }
            for (field, value) in reading.values { #expect(value == expected[field], "seed \(seed), round \(round), \(cloud)") }
            for subnet in reading.subnets ?? [] { #expect(right.values.values.contains(subnet.description), "seed \(seed), round \(round)") }
            if reading.values.isEmpty { #expect(!reading.problems.isEmpty, "seed \(seed), round \(round), \(cloud)") }
        }
    }
}

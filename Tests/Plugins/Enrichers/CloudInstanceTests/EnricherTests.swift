// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CloudInstanceEnricher
import FakeMetadata
import ScriptedServer
import Testing
import WeirKit
import WeirPipeline
import WeirTesting

@Suite("cloud_instance: what flows' ends carry", .timeLimit(.minutes(1)))
struct CloudInstanceEnricherTests {
    static let nothing = "- - - - - - -"
    static let known = "eu-west-1a eu-west-1 euw1-az2 aws 123456789012 i-1234567890abcdef0 m5.large"

    private func options(_ yaml: String) -> CloudInstanceOptions {
        let (options, problems) = CloudInstanceOptions.reading(yaml)
        precondition(problems.isEmpty, "\(problems)")
        return options
    }

    @Test("with every field by hand there is no request, and nothing to wait for")
    func byHand() async throws {
        let service = try Service("aws")
        let heard = Heard()
        let enricher = CloudInstanceEnricher(
            options(
                "{ provider: aws, endpoint: \(service.server.url), zone: z, region: r, zone_id: i, account_id: a, host_id: h, host_type: t }"),
            heard.context)
        #expect(enricher.say("10.0.0.4", isLocal: true) == "z r i aws a h t")
        try await enricher.run()
        #expect(service.server.requests.isEmpty && heard.count("weir_cloud_instance_attempts_total") == 0)
        #expect(enricher.say("10.0.0.4", isLocal: true) == "z r i aws a h t" && enricher.say("10.0.0.5") == Self.nothing)
        #expect(
            heard.resource.read() == [
                "cloud.provider": "aws", "cloud.platform": "aws_ec2", "cloud.availability_zone": "z", "cloud.region": "r", "cloud.account.id": "a",
                "host.id": "h", "host.type": "t",
            ])
    }

    @Test("what a cloud cannot tell need not be set to keep it from being asked")
    func allItKnows() async throws {
        let service = try Service("hetzner")
        let heard = Heard()
        let some = options("{ provider: hetzner, endpoint: \(service.server.url), zone: z, region: r }")
        let all = options("{ provider: hetzner, endpoint: \(service.server.url), zone: z, region: r, host_id: h }")
        try await CloudInstanceEnricher(all, heard.context).run()
        #expect(service.server.requests.isEmpty)
        let task = Task { try await CloudInstanceEnricher(some, heard.context).run() }
        #expect(await heard.wait { !service.server.requests.isEmpty })
        task.cancel()
        _ = await task.result
    }

    @Test("provider none asks nobody, and writes what is set by hand alone")
    func none() async throws {
        let folder = try Folder()
        try folder.write("class/dmi/id/sys_vendor", "Amazon EC2\n")
        let service = try Service("aws")
        let enricher = CloudInstanceEnricher(
            options("{ provider: none, zone: rack-7, endpoint: \(service.server.url), sys_root: \(folder.path) }"), Heard().context)
        try await enricher.run()
        #expect(service.server.requests.isEmpty && enricher.writes == [.zone])
        #expect(enricher.say("10.0.0.4", isLocal: true) == "rack-7 - - - - - -" && enricher.say("10.0.0.4") == Self.nothing)
        #expect(CloudInstanceEnricher(options("provider: none"), Heard().context).writes == [])
    }

    @Test("a machine of no known cloud asks nobody")
    func unknown() async throws {
        let folder = try Folder()
        try folder.write("class/dmi/id/sys_vendor", "Dell Inc.\n")
        let service = try Service("aws")
        let enricher = CloudInstanceEnricher(options("{ endpoint: \(service.server.url), sys_root: \(folder.path) }"), Heard().context)
        try await enricher.run()
        #expect(service.server.requests.isEmpty && enricher.say("10.0.0.4", isLocal: true) == Self.nothing)
    }

    @Test("the firmware names the cloud, the cloud the rest: for the host by address or socket, and in its own subnets where it is")
    func aws() async throws {
        let folder = try Folder()
        try folder.write("class/dmi/id/sys_vendor", "Amazon EC2\n")
        let service = try Service("aws")
        let heard = Heard()
        let enricher = CloudInstanceEnricher(options("{ endpoint: \(service.server.url), sys_root: \(folder.path) }"), heard.context)
        #expect(enricher.say("10.0.0.4", isLocal: true) == Self.nothing)
        heard.resource.expect()
        let task = Task { try await enricher.run() }
        #expect(await heard.wait { heard.count("weir_cloud_instance_last_answer_timestamp_seconds") == 1_700_000_000 })
        #expect(heard.count("weir_cloud_instance_up") == 1)
        #expect(enricher.say("10.0.0.4", isLocal: true) == Self.known)
        #expect(enricher.say("172.17.0.2", owner: 7) == Self.known)
        for address in ["10.0.15.255", "10.0.32.1", "2001:db8:a::9"] { #expect(enricher.say(address) == "eu-west-1a eu-west-1 euw1-az2 - - - -") }
        for address in ["10.0.16.1", "10.0.48.0", "2001:db8:b::9", "8.8.8.8"] { #expect(enricher.say(address) == Self.nothing) }
        #expect(heard.count("weir_cloud_instance_subnets") == 3 && heard.count("weir_cloud_instance_attempts_total") == 1)
        let rows: [Questions.Endpoint] = [.init("10.0.0.4", isLocal: true), .init("10.0.0.9"), .init("8.8.8.8"), .init("10.9.0.1", owner: 3)]
        #expect(Questions.brokenPromises(of: enricher, with: rows) == [])
        #expect(
            heard.resource.read() == [
                "cloud.provider": "aws", "cloud.platform": "aws_ec2", "cloud.availability_zone": "eu-west-1a", "cloud.region": "eu-west-1",
                "cloud.account.id": "123456789012", "host.id": "i-1234567890abcdef0", "host.type": "m5.large",
                "host.name": "ip-10-0-0-4.eu-west-1.compute.internal", "host.image.id": "ami-0abcdef1234567890",
            ])
        // Who describes the host need not wait any more.
        #expect(heard.resource.isSettled)
        // A stage of more trust has spoken.
        let table = FixedAnswers([.zone: "table"])
        #expect(Questions.ask([table, enricher], [.init("10.0.0.9")])[0][.zone] == .text("table"))
        task.cancel()
        _ = await task.result
    }

    @Test("where subnets are regional the neighbours have no zone", arguments: ["gcp", "azure"])
    func regional(cloud: String) async throws {
        let service = try Service(cloud)
        let heard = Heard()
        let enricher = CloudInstanceEnricher(options("{ provider: \(cloud), endpoint: \(service.server.url) }"), heard.context)
        let task = Task { try await enricher.run() }
        #expect(await heard.wait { heard.count("weir_cloud_instance_up") == 1 })
        let expected = service.expected
        #expect(enricher.say("10.144.133.132", isLocal: true).hasPrefix("\(expected[.zone] ?? "") \(expected[.region] ?? "") "))
        #expect(enricher.say("10.144.133.133") == Self.nothing)
        task.cancel()
        _ = await task.result
    }

    @Test("while the first attempt runs the host's own ends are pending, and only they; then they are absent, until a later attempt is answered")
    func pending() async throws {
        let service = try Service("aws", fault: .hang)
        let heard = Heard()
        let enricher = CloudInstanceEnricher(options("{ provider: aws, zone: z, endpoint: \(service.server.url) }"), heard.context)
        #expect(enricher.say("10.0.0.4", isLocal: true) == "z - - aws - - -")
        let start = ContinuousClock.now
        let task = Task { try await enricher.run() }
        #expect(await heard.wait { !service.server.requests.isEmpty })
        #expect(enricher.say("10.0.0.4", isLocal: true) == "z ? ? aws ? ? ?" && enricher.say("10.0.0.5") == Self.nothing)
        #expect(heard.invalidations == 0)

        await #expect(throws: MetadataProblem.self) { try await task.value }
        let took = ContinuousClock.now - start
        #expect(took < .seconds(3), "took \(took)")
        #expect(enricher.say("10.0.0.4", isLocal: true) == "z - - aws - - -" && heard.invalidations == 1)

        // The host calls again after its back-off; nothing is pending any more.
        service.change { $0.fault = .unavailable }
        await #expect(throws: MetadataProblem.self) { try await enricher.run() }
        #expect(heard.invalidations == 1)
        service.change { $0.fault = nil }
        let again = Task { try await enricher.run() }
        #expect(await heard.wait { heard.count("weir_cloud_instance_up") == 1 })
        #expect(enricher.say("10.0.0.4", isLocal: true) == Self.known.replacing("eu-west-1a", with: "z") && heard.invalidations == 2)
        again.cancel()
        _ = await again.result
        #expect(heard.count("weir_cloud_instance_failures_total") >= 2)
    }

    @Test("a refresh that says the same disturbs nobody; one that says another thing is told; one that fails costs nothing")
    func refresh() async throws {
        let service = try Service("aws")
        let heard = Heard()
        var quick = options("{ provider: aws, endpoint: \(service.server.url) }")
        quick.refresh = .milliseconds(20)
        let enricher = CloudInstanceEnricher(quick, heard.context)
        let task = Task { try await enricher.run() }
        #expect(await heard.wait { heard.count("weir_cloud_instance_attempts_total") >= 4 })
        #expect(heard.invalidations == 1 && heard.count("weir_cloud_instance_changes_total") == 1)

        service.change { $0.values["host_type"] = "m5.xlarge" }
        #expect(await heard.wait { heard.invalidations == 2 })
        let changed = Self.known.replacing("m5.large", with: "m5.xlarge")
        #expect(enricher.say("10.0.0.4", isLocal: true) == changed)

        service.change { $0.fault = .html }
        await #expect(throws: MetadataProblem.self) { try await task.value }
        #expect(enricher.say("10.0.0.4", isLocal: true) == changed && enricher.say("10.0.0.9") == "eu-west-1a eu-west-1 euw1-az2 - - - -")
        #expect(heard.invalidations == 2 && heard.count("weir_cloud_instance_up") == 0)
    }

    @Test("a stage that is stopped while its service hangs stops at once")
    func cancelled() async throws {
        let service = try Service("gcp", fault: .hang)
        let heard = Heard()
        let enricher = CloudInstanceEnricher(options("{ provider: gcp, endpoint: \(service.server.url) }"), heard.context)
        let task = Task { try await enricher.run() }
        #expect(await heard.wait { !service.server.requests.isEmpty })
        let start = ContinuousClock.now
        task.cancel()
        _ = await task.result
        #expect(ContinuousClock.now - start < .seconds(1))
        #expect(enricher.say("10.0.0.4", isLocal: true) == "- - - gcp - - -")
    }

    @Test("a flow that waits for the first answer goes on with both its ends named by it, and counts once")
    func held() async throws {
        let service = try Service("aws", fault: .hang)
        let heard = Heard()
        let enricher = CloudInstanceEnricher(options("{ provider: aws, endpoint: \(service.server.url) }"), heard.context)
        let task = Task { try await enricher.run() }
        #expect(await heard.wait { !service.server.requests.isEmpty })
        var fixture = PipelineFixture(
            "metrics: { network.flow.bytes: [src.zone, dst.zone, traffic.scope] }",
            enrichers: [EnricherInstance(name: "cloud_instance", stage: .endpoint(enricher))])
        fixture.window([CapturedFlow("10.0.0.4", "10.0.15.9", bytes: 1357, owners: (7, 0))])
        #expect(fixture.values("network.flow.bytes") == [:] && fixture.metric("weir_pipeline_held_bytes") == 1357)

        // The first attempt ends with nothing, the next is answered.
        await #expect(throws: MetadataProblem.self) { try await task.value }
        service.change { $0.fault = nil }
        let again = Task { try await enricher.run() }
        #expect(await heard.wait { heard.count("weir_cloud_instance_up") == 1 })
        fixture.invalidations.add(.all)
        fixture.window([])
        #expect(fixture.values("network.flow.bytes") == ["eu-west-1a|eu-west-1a|same_zone": 1357])
        again.cancel()
        _ = await again.result
    }
}

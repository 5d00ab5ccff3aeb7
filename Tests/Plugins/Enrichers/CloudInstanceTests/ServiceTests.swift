// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CloudInstanceEnricher
import FakeMetadata
import ScriptedServer
import Testing
import WeirKit
import WeirTesting

@Suite("cloud_instance: a service that speaks as its documentation", .timeLimit(.minutes(1)))
struct ServiceTests {
    static let subnets = [
        "aws": ["10.0.0.0/20", "10.0.32.0/20", "2001:db8:a::/64"], "alibaba_cloud": ["192.168.16.0/24"],
    ]

    @Test("every row has a service to test it with")
    func rows() { #expect(MetadataProvider.all.map(\.name).sorted() == FakeMetadata.clouds) }

    @Test("all that is documented is known afterwards, and nobody is asked for what does not exist", arguments: FakeMetadata.clouds)
    func documented(cloud: String) async throws {
        let service = try Service(cloud)
        let reading = await service.ask()
        #expect(reading.values == service.expected)
        #expect(Set(reading.values.keys) == service.provider.fields)
        #expect(reading.problems.map(\.description) == [] && reading.refused == 0)
        #expect(reading.subnets?.map(\.description).sorted() == Self.subnets[cloud])
        #expect(service.server.failures == [])
        // Side by side, but few at a time.
        #expect(service.server.acceptedConnections <= 5)
    }

    @Test("a token is asked for by PUT, once, and goes with every request; nothing is forwarded", arguments: ["aws", "alibaba_cloud"])
    func token(cloud: String) async throws {
        let service = try Service(cloud)
        _ = await service.ask()
        let requests = service.server.requests
        #expect(requests.map(\.method) == ["PUT"] + Array(repeating: "GET", count: requests.count - 1))
        let header = try #require(service.provider.token?.header)
        #expect(requests.dropFirst().allSatisfy { $0.header(header) != nil && $0.header("X-Forwarded-For") == nil })
        #expect(requests[0].header(header) == nil && requests[0].body.isEmpty)
    }

    @Test("a regional machine of Azure has a region and no zone")
    func regional() async throws {
        let service = try Service("azure")
        service.change {
            $0.values["zone_number"] = ""
            $0.values["zone_id"] = nil
        }
        let reading = await service.ask()
        #expect(reading.values[.region] == "westeurope" && reading.values[.zone] == nil && reading.values[.zoneID] == nil)
        #expect(reading.problems.isEmpty && reading.refused == 0)
    }

    @Test("IMDS of an instance in one subnet of IPv6 alone")
    func ipv6() async throws {
        let service = try Service("aws")
        service.change {
            $0.values["subnet"] = nil
            $0.values["second_subnet"] = nil
        }
        #expect(await service.ask().subnets?.map(\.description) == ["2001:db8:a::/64"])
    }

    @Test("more interfaces than any machine has are not asked for one by one, and subnets have a limit")
    func manyInterfaces() async throws {
        let macs = "/latest/meta-data/network/interfaces/macs/"
        let server = try ScriptedServer { request, connection in
            if request.method == "PUT" { return try connection.respond("token") }
            if request.target == macs {
                let listing = (0..<1000).map {
                    "02:29:96:8f:\(String($0 / 256 + 16, radix: 16)):\(String($0 % 256 / 16, radix: 16))\(String($0 % 16, radix: 16))/"
                }
                return try connection.respond(listing.joined(separator: "\n"))
            }
            if request.target.hasSuffix("ipv4-cidr-block") {
                let number = request.target.utf8.reduce(0) { ($0 * 31 + Int($1)) % 65_536 }
                return try connection.respond("10.\(number / 256).\(number % 256).0/24\n172.16.\(number % 256).0/24")
            }
            try connection.respond(request.target.hasSuffix("availability-zone") ? 200 : 404, "eu-west-1a")
        }
        let reading = await MetadataService(try #require(MetadataProvider.named("aws")), endpoint: server.url).ask()
        #expect(reading.values == [.zone: "eu-west-1a"] && reading.problems.isEmpty)
        #expect(reading.subnets?.count == MetadataService.maxSubnets)
        #expect(server.requests.count { $0.target.hasPrefix(macs) } == 1 + 2 * MetadataService.maxInterfaces)
    }
}

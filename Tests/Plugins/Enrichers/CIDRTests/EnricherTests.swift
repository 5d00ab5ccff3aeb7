// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CIDREnricher
import Synchronization
import Testing
import WeirKit
import WeirTesting

@Suite("cidr: the narrowest range that says something counts")
struct EnricherTests {
    private let table = """
        tables:
          - { cidr: 0.0.0.0/0, name: everywhere }
          - { cidr: 10.0.0.0/8, zone: wide, team: platform, region: eu }
          - { cidr: 10.0.0.0/20, zone: eu-1a }
          - { cidr: 10.0.0.0/24, team: payments, name: shop, zone: "" }
          - { cidr: "2001:db8::/32", zone: eu-1b }
          - { cidr: "2001:db8::7", team: db, scope: cloud_service }
        """

    @Test(
        "per attribute, the longest prefix that has it answers",
        arguments: [
            ("10.0.0.9", ["zone=eu-1a", "region=eu", "name=shop", "cidr=shop", "team=payments"]),
            ("10.0.15.1", ["zone=eu-1a", "region=eu", "name=everywhere", "cidr=10.0.0.0/20", "team=platform"]),
            ("10.200.0.1", ["zone=wide", "region=eu", "name=everywhere", "cidr=10.0.0.0/8", "team=platform"]),
            ("192.0.2.1", ["name=everywhere", "cidr=everywhere"]),
            ("2001:db8::7", ["zone=eu-1b", "cidr=2001:db8::7/128", "team=db"]),
            ("2001:db8::8", ["zone=eu-1b", "cidr=2001:db8::/32"]),
            ("2001:db9::8", []),
        ])
    func longest(address: String, expected: [String]) {
        let found = options(table)
        #expect(found.problems == [])
        #expect(answers(CIDREnricher(found.options, context()), address) == expected)
    }

    @Test("it writes what its rows hold, and knows how many values each can have")
    func writes() {
        let enricher = CIDREnricher(options(table).options, context())
        #expect(enricher.writes == [.cidr, .name, .zone, .region, .endpoint("team"), .scopeClaim])
        #expect(enricher.valueCount(of: .zone) == 3)
        #expect(enricher.valueCount(of: .cidr) == 6)
        #expect(enricher.valueCount(of: .zoneID) == nil)
        #expect(enricher.needs(for: enricher.writes) == [])
        #expect(CIDREnricher(CIDROptions(), context()).writes.isEmpty)
    }

    @Test("rows that share a name are one value of cidr")
    func sharedName() {
        let shared = "tables: [{ cidr: 10.0.0.0/24, name: shop }, { cidr: 10.0.1.0/24, name: shop }, { cidr: 10.0.2.0/24 }]"
        let enricher = CIDREnricher(options(shared).options, context())
        #expect(enricher.valueCount(of: .cidr) == 2)
        #expect(enricher.valueCount(of: .name) == 1)
    }

    @Test("a built-in attribute is meant however its name is written, in the configuration and in files")
    func spelling() {
        let shelf = Shelf()
        shelf["t.csv"] = "cidr,owner_name,zone.id\n10.0.0.0/24,shop,euw1-az1\n"
        shelf["t.json"] = #"[{"cidr":"10.0.1.0/24","owner.name":"till","zone_id":"euw1-az2"}]"#
        let found = options("tables: [{ cidr: 10.0.2.0/24, owner_name: desk }]\nfile: [t.csv, t.json]", shelf)
        #expect(found.problems == [])
        let enricher = CIDREnricher(found.options, context())
        #expect(enricher.writes == [.cidr, .ownerName, .zoneID])
        #expect(answers(enricher, "10.0.0.1", [.ownerName, .zoneID]) == ["owner.name=shop", "zone.id=euw1-az1"])
        #expect(answers(enricher, "10.0.1.1", [.ownerName, .zoneID]) == ["owner.name=till", "zone.id=euw1-az2"])
        #expect(answers(enricher, "10.0.2.1", [.ownerName, .zoneID]) == ["owner.name=desk"])
    }

    @Test("it keeps what every enricher promises")
    func contract() {
        let enricher = CIDREnricher(options(table).options, context())
        #expect(Questions.brokenPromises(of: enricher, with: [.init("10.0.0.9"), .init("2001:db8::7"), .init("2001:db9::8")]) == [])
    }

    @Test("100,000 rows are read in a few seconds and answered in microseconds")
    func large() {
        let shelf = Shelf()
        shelf["t.csv"] =
            "cidr,zone,team\n" + (0..<100_000).map { "10.\($0 >> 8 & 255).\($0 & 255).\(($0 >> 16) * 16)/28,z\($0 % 3),t\($0 % 500)\n" }.joined()
        let clock = ContinuousClock()
        var found = options("")
        let took = clock.measure { found = options("file: t.csv", shelf) }
        #expect(found.problems == [])
        #expect(took < .seconds(10), "\(took)")
        let enricher = CIDREnricher(found.options, context())
        let asked = clock.measure { for _ in 0..<1000 { #expect(answers(enricher, "10.1.2.17").count == 3) } }
        #expect(asked < .seconds(1), "\(asked)")
    }
}

@Suite("cidr: table files are read again when they change", .serialized)
struct ReloadTests {
    @Test("a good change answers at once and invalidates; a bad one is counted and leaves the last table", .timeLimit(.minutes(1)))
    func reload() async throws {
        let shelf = Shelf()
        shelf["t.csv"] = "cidr,zone\n10.0.0.0/8,a\n"
        let invalidated = Mutex<[EndpointSelection]>([])
        let metrics = MetricRegistry()
        var read = options("file: t.csv", shelf).options
        read.refresh = .milliseconds(20)
        let enricher = CIDREnricher(read, context({ which in invalidated.withLock { $0.append(which) } }, metrics))
        func count(_ name: String) -> UInt64 { metrics.read().first { $0.name == name }?.cells.first?.cell.current ?? 0 }

        let running = Task { try await enricher.run() }
        try await Task.sleep(for: .milliseconds(100))
        #expect(answers(enricher, "10.0.0.1", [.zone]) == ["zone=a"])
        #expect(count("weir_cidr_reloads_total") == 0)

        shelf["t.csv"] = "cidr,zone\n10.0.0.0/8,b\n11.0.0.0/8,c\n"
        while count("weir_cidr_reloads_total") == 0 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(answers(enricher, "10.0.0.1", [.zone]) == ["zone=b"])
        #expect(count("weir_cidr_rows") == 2)
        while invalidated.withLock({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(5)) }
        #expect(invalidated.withLock { $0 } == [.all])

        for bad in ["cidr,zone\n10.0.0.1/8,b\n", nil] {
            let before = count("weir_cidr_failed_reloads_total")
            shelf["t.csv"] = bad
            while count("weir_cidr_failed_reloads_total") == before { try await Task.sleep(for: .milliseconds(5)) }
            #expect(answers(enricher, "10.0.0.1", [.zone]) == ["zone=b"])
        }
        shelf["t.csv"] = "cidr,zone\n10.0.0.0/8,d\n"
        while count("weir_cidr_reloads_total") == 1 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(answers(enricher, "10.0.0.1", [.zone]) == ["zone=d"])
        running.cancel()
    }

    @Test("without files run returns: there is nothing to learn")
    func nothingToLearn() async throws { try await CIDREnricher(options("tables: [{ cidr: '::/0' }]").options, context()).run() }
}

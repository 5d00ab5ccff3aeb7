// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirKit
import WeirPipeline
import WeirTesting

/// The laws of the naming profiles: names are one to one, and sums do not care what anything is called.
@Suite struct NamingTests {
    /// What Kubernetes, clouds, DNS and tables of one's own would add.
    private static let declared: [Attribute] =
        [
            "k8s.owner.name", "k8s.owner.type", "k8s.namespace", "k8s.name", "k8s.type", "k8s.node.name", "k8s.node.ip", "k8s.pod.uid", "dns.name",
            "cloud.provider", "cloud.account.id", "host.id", "host.type", "service.name", "service.namespace", "team", "cost_center",
        ].map { .endpoint($0) } + [.flow("k8s.cluster.name"), .flow("verdict")]
    private static let catalog = Catalog(declared: declared + [.ownerName, .ownerType, .zone, .cidr])

    @Test("no two attributes of a selection share a name, whatever was selected", arguments: NamingProfile.allCases)
    func injective(_ profile: NamingProfile) {
        let all = NamedAttributes(Self.catalog.all, profile)
        #expect(Set(all.names.map(Self.label)).count == Self.catalog.all.count)
        #expect(NamedAttributes.collisions(in: Self.catalog, profile).isEmpty)
        let clashing = Catalog(declared: [.endpoint("service.name"), .flow("service.name")])
        #expect(NamedAttributes.collisions(in: clashing, profile).map(\.name) == (profile == .beyla ? ["service.name"] : []))
        var random = SplitMix64(seed: SplitMix64.freshSeed)
        for _ in 0..<2000 {
            let selected = Self.catalog.all.shuffled(using: &random).prefix(.random(in: 0...12, using: &random))
            let named = NamedAttributes(Array(selected), profile)
            #expect(Set(named.names.map(Self.label)).count == selected.count, "\(selected.map(\.name)) are \(named.names)")
            #expect(Set(named.stored).count == selected.count)
        }
    }

    @Test("every name is one to Prometheus and to OpenTelemetry", arguments: NamingProfile.allCases)
    func valid(_ profile: NamingProfile) {
        for name in NamedAttributes(Self.catalog.all, profile).names + ["network.flow.bytes", "network.inter.zone.bytes"].map(profile.metric) {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            #expect(parts.allSatisfy { $0.first.map { "a"..."z" ~= $0 || $0 == "k" } == true }, "\(name)")
            #expect(name.allSatisfy { "a"..."z" ~= $0 || "0"..."9" ~= $0 || $0 == "." || $0 == "_" }, "\(name)")
            #expect(!name.contains("<") && !name.hasSuffix(".total") && name.utf8.count <= 64, "\(name)")
        }
    }

    private static func label(_ name: String) -> String { String(name.map { $0 == "." ? "_" : $0 }) }

    @Test("the table has a row for everything built in, and what has none keeps its name")
    func complete() {
        let known = Set(NamingTable.rows.flatMap { row in End.allCases.map { row.weir.at($0) } })
        for attribute in Catalog().all { #expect(known.contains(attribute.name), "\(attribute.name) has no row") }
        for profile in NamingProfile.allCases {
            for name in ["src.team", "dst.cost_center", "verdict"] {
                guard let attribute = Self.catalog.named(name) else { return }
                #expect(NamedAttributes([attribute], profile).names == [name])
            }
        }
        for (name, _) in NamingTable.leftOut { #expect(Self.catalog.named(name) == nil, "\(name) is there") }
    }

    @Test("a row that changes how values are spelled is of an attribute of few known words, or of the owner")
    func values() {
        for row in NamingTable.rows {
            for profile in NamingProfile.allCases {
                switch row[profile].values {
                case .same: break
                case .lowerCase: #expect(row.weir.pattern == "transport")
                case .noStrangers: #expect(row.weir.pattern == "<end>.owner.name")
                }
            }
        }
        #expect(Set(TransportName.all.map { $0.lowercased() }).count == TransportName.all.count, "two protocols would be one")
    }

    @Test("a stand-in has the name while its owner is not selected beside it")
    func standIns() throws {
        func names(_ selected: [String]) throws -> [String] {
            NamedAttributes(try selected.map { try #require(Self.catalog.named($0)) }, .beyla).names
        }
        #expect(try names(["src.owner.name", "dst.owner.name"]) == ["k8s.src.owner.name", "k8s.dst.owner.name"])
        #expect(try names(["src.owner.name", "k8s.src.owner.name"]) == ["src.owner.name", "k8s.src.owner.name"])
        #expect(try names(["src.owner.name", "k8s.dst.owner.name"]) == ["k8s.src.owner.name", "k8s.dst.owner.name"])
        #expect(try names(["src.service.name", "dst.service.name", "src.port"]) == ["service.name", "service.peer.name", "src.port"])
    }

    // MARK: Defaults.

    private static func defaults(_ profile: NamingProfile, _ declared: [Attribute]) -> (flows: [String], zones: [String]) {
        let catalog = Catalog(declared: declared)
        let defaults = AttributeSelection.Defaults(profile, catalog)
        return (NamedAttributes(defaults.flows, profile).names, NamedAttributes(defaults.zones, profile).names)
    }

    @Test("an attribute is on by default where it can be answered")
    func defaultSelections() {
        let kubernetes = Self.declared + [.ownerName, .ownerType, .zone]
        func both(_ pattern: String) -> [String] { ["src", "dst"].map { pattern.split(separator: "*").joined(separator: $0) } }
        let owners = both("k8s.*.owner.name") + both("k8s.*.owner.type")
        #expect(Self.defaults(.beyla, []).flows == ["direction"])
        #expect(Self.defaults(.beyla, []).zones == [])
        #expect(Self.defaults(.beyla, [.ownerName, .zone]).flows == both("k8s.*.owner.name") + ["direction"])
        #expect(Self.defaults(.beyla, [.ownerName, .zone]).zones == ["src.zone", "dst.zone"])
        #expect(Self.defaults(.beyla, kubernetes).flows == owners + both("k8s.*.namespace") + ["k8s.cluster.name", "direction"])
        #expect(Self.defaults(.beyla, kubernetes + [.cidr]).flows.suffix(3) == ["src.cidr", "dst.cidr", "direction"])
        #expect(Self.defaults(.beyla, kubernetes).zones == ["k8s.cluster.name", "src.zone", "dst.zone"])

        #expect(Self.defaults(.otel, []).flows == [])
        let otel = ["source", "destination"].map { "\($0).k8s.namespace.name" } + ["k8s.cluster.name"]
        let zones = ["source", "destination"].map { "\($0).cloud.availability_zone" }
        #expect(Self.defaults(.otel, kubernetes) == (otel + zones, otel + zones))

        let weir = ["src.zone", "dst.zone", "traffic.scope", "observer"]
        #expect(Self.defaults(.weir, []).flows == ["src.owner.name", "dst.owner.name"] + weir)
        #expect(Self.defaults(.weir, kubernetes).flows == ["src.owner.name", "dst.owner.name", "k8s.src.namespace", "k8s.dst.namespace"] + weir)
        #expect(Self.defaults(.weir, kubernetes).zones == Self.defaults(.weir, kubernetes).flows)
    }

    // MARK: Sums.

    /// One in three addresses has an owner; the others are strangers of all classes.
    private struct Owners: EndpointEnricher {
        let writes: Set<Attribute> = [.ownerName, .zone]
        func enrich(_ endpoints: inout EndpointBatch) {
            for row in endpoints.rows {
                let low = endpoints.address(row).low
                if low % 3 == 0 { endpoints.answer(.ownerName, row, .text("o\(low % 9)")) }
                if low % 2 == 0 { endpoints.answer(.zone, row, .text("z\(low % 4)")) }
            }
        }
    }

    private static func flows(_ count: Int, _ random: inout SplitMix64) -> [CapturedFlow] {
        let ranges: [UInt32] = [0x0a00_0000, 0x0808_0800, 0xe000_0000, 0xac10_0000]
        return (0..<count).map { _ in
            func address(_ random: inout SplitMix64) -> IPAddress {
                IPAddress(ipv4: (ranges.randomElement(using: &random) ?? 0) | .random(in: 0...40, using: &random))
            }
            var flow = CapturedFlow(
                source: address(&random), destination: address(&random), bytes: .random(in: 1...1500, using: &random),
                packets: .random(in: 1...9, using: &random), observer: .source)
            flow.transport = [1, 6, 17, 58, 200].randomElement(using: &random) ?? 6
            return flow
        }
    }

    private static func page(_ fixture: borrowing PipelineFixture, _ profile: NamingProfile) -> [String: [[String]: UInt64]] {
        var page: [String: [[String]: UInt64]] = [:]
        for snapshot in fixture.series.reader(naming: profile, final: true).read() {
            let width = snapshot.attributes.count
            var rows: [[String]: UInt64] = [:]
            for index in snapshot.values.indices {
                let key = index == snapshot.overflow ? ["overflow"] : Array(snapshot.texts[index * width..<(index + 1) * width])
                #expect(rows.updateValue(snapshot.values[index], forKey: key) == nil, "two series of \(snapshot.name) are \(key)")
            }
            #expect(page.updateValue(rows, forKey: snapshot.name) == nil, "two metrics are called \(snapshot.name)")
        }
        return page
    }

    /// What a series is called under a profile, from its texts under Weir's.
    private static func renamed(_ text: String, _ values: NamingTable.Values) -> String {
        switch values {
        case .same: text
        case .lowerCase: text.lowercased()
        case .noStrangers: text.hasPrefix("(") && text != "(other)" ? "" : text
        }
    }

    @Test("each profile shows the same sums, by its own names and values", arguments: 1...6)
    func sums(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let yaml = """
            pipeline: { series_ttl: 12s, born_at_zero: 0s, max_series: \(seed == 6 ? 20 : 2000) }
            metrics:
              network.flow.bytes: [src.owner.name, dst.owner.name, transport]
              network.inter.zone.bytes: [src.zone, dst.zone]
              mine: { measure: packets, attributes: [dst.owner.name, src.zone] }
            """
        let profiles: [NamingProfile] = [.weir, .beyla, .otel]
        var fixture = PipelineFixture(
            yaml, enrichers: [EnricherInstance(name: "owners", stage: .endpoint(Owners()))], namings: profiles, hashSeed: seed)
        // Only where Beyla's values are other ones are there series of its own.
        #expect(
            fixture.plan.input.metrics.map(\.label).sorted()
                == ["beyla:mine", "beyla:network.flow.bytes", "mine", "network.flow.bytes", "network.inter.zone.bytes"])
        var last: [NamingProfile: [String: UInt64]] = [:]
        for window in 0..<8 {
            fixture.window(Self.flows(window == 5 ? 0 : 300, &random))
            let weir = Self.page(fixture, .weir)
            for profile in profiles {
                let page = Self.page(fixture, profile)
                #expect(page.count == 3)
                for (metric, attributes) in [
                    ("network.flow.bytes", ["src.owner.name", "dst.owner.name", "transport"]),
                    ("network.inter.zone.bytes", ["src.zone", "dst.zone"]),
                    ("mine", ["dst.owner.name", "src.zone"]),
                ] {
                    let rows = page[profile.metric(metric)] ?? [:]
                    let rules = attributes.map { name in
                        NamingTable.rows.first { row in End.allCases.contains { row.weir.at($0) == name } }?[profile].values ?? .same
                    }
                    if seed != 6 {
                        var expected: [[String]: UInt64] = [:]
                        for (key, value) in weir["weir." + metric] ?? [:] {
                            expected[zip(key, rules).map { Self.renamed($0, $1) }, default: 0] += value
                        }
                        // A group of series expires when its last member does, each of its members before that.
                        if window < 2 { #expect(rows == expected, "\(profile) \(metric)") }
                        for (key, value) in expected { #expect(rows[key, default: 0] >= value, "\(profile) \(metric) \(key)") }
                    }
                    let sum = rows.values.reduce(0, +)
                    let own = "\(profile.rawValue):\(metric)"
                    let label = fixture.plan.input.metrics.contains { $0.label == own } ? own : metric
                    let gone = fixture.metric("weir_series_expired_value_total", label)
                    last[profile, default: [:]][metric] = sum + gone
                }
            }
            #expect(last[.weir] == last[.beyla] && last[.weir] == last[.otel])
        }
    }

    @Test("a reload that adds a profile leaves the others' counters alone, and what its metrics missed is on their books")
    func reload() {
        var random = SplitMix64(seed: 7)
        let yaml = "metrics: { network.flow.bytes: [src.owner.name] }\npipeline: { born_at_zero: 0s }"
        let owners = [EnricherInstance(name: "owners", stage: .endpoint(Owners()))]
        let (early, late) = (Self.flows(200, &random), Self.flows(100, &random))
        func sum(_ flows: [CapturedFlow]) -> UInt64 { flows.reduce(0) { $0 + $1.bytes } }
        var before = PipelineFixture(yaml, enrichers: owners, namings: [.weir], hashSeed: 1)
        before.window(early)
        before.pipeline.finish()
        var after = PipelineFixture(yaml, enrichers: owners, adopting: before.series, namings: [.weir, .beyla], hashSeed: 1)
        after.window([], nanoseconds: 20_000_000_000)
        after.window(late)
        #expect(Self.page(after, .weir).values.flatMap(\.values).reduce(0, +) == sum(early) + sum(late))
        #expect(Self.page(after, .beyla).values.flatMap(\.values).reduce(0, +) == sum(late))
        #expect(after.metric("weir_series_expired_value_total", "network.flow.bytes") == 0)
        #expect(after.metric("weir_series_expired_value_total", "beyla:network.flow.bytes") == sum(early))
    }

    @Test("with one profile there is one definition per metric, called by its name")
    func alone() {
        for profile in NamingProfile.allCases {
            let metrics = MetricDefinition.readAll(nil, catalog: Self.catalog, namings: [profile], problems: ConfigProblems())
            #expect(metrics.map(\.label) == ["network.flow.bytes", "network.flow.packets", "network.inter.zone.bytes"])
            #expect(metrics.allSatisfy { $0.isShown(by: profile) })
        }
        let all = MetricDefinition.readAll(nil, catalog: Self.catalog, namings: NamingProfile.allCases, problems: ConfigProblems())
        #expect(all.count == 9)
    }
}

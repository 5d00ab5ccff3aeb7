// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WeirKit
import WeirPipeline
import WeirTesting

private let frontend: [Attribute: Answer] = [.ownerName: .text("frontend"), .zone: .text("a"), .region: .text("r")]
private let database: [Attribute: Answer] = [.ownerName: .text("database"), .zone: .text("b"), .region: .text("r")]

@Suite struct PipelineTests {
    @Test("a flow between two zones counts in every built-in metric under its owners and zones")
    func namesBothEnds() {
        let stage = TableStage(["10.0.0.4": frontend, "10.0.0.23": database])
        var fixture = PipelineFixture(enrichers: [stage.instance])
        fixture.window([CapturedFlow("10.0.0.4", "10.0.0.23", bytes: 1357, packets: 2)])
        #expect(fixture.values("network.flow.bytes") == ["frontend|database|a|b|inter_zone|source": 1357])
        #expect(fixture.values("network.flow.packets") == ["frontend|database|a|b|inter_zone|source": 2])
        #expect(fixture.values("network.inter.zone.bytes") == ["frontend|database|a|b|inter_zone|source": 1357])
    }

    @Test("an endpoint is asked once, however many flows and windows it has")
    func asksOnce() {
        let stage = TableStage(["10.0.0.4": frontend])
        var fixture = PipelineFixture(enrichers: [stage.instance])
        for _ in 0..<3 { fixture.window((1...50).map { CapturedFlow("10.0.0.4", "10.0.1.\($0)") }) }
        #expect(stage.asked.withLock { $0.filter { $0 == "10.0.0.4" }.count } == 1)
        #expect(stage.asked.withLock { $0.count } == 51)
    }

    @Test("an invalidated endpoint is asked again, and its old counters keep their attributes")
    func invalidation() {
        let stage = TableStage(["10.0.0.4": frontend])
        var fixture = PipelineFixture("metrics: { network.flow.bytes: [src.owner.name] }", enrichers: [stage.instance])
        let flow = CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 10)
        fixture.window([flow])
        stage.table.withLock { $0["10.0.0.4"] = [.ownerName: .text("moved")] }
        fixture.window([flow])
        #expect(fixture.values("network.flow.bytes") == ["frontend": 20])
        fixture.invalidations.add(.address(IPAddress("10.0.0.4")!))
        fixture.window([flow])
        #expect(fixture.values("network.flow.bytes") == ["frontend": 20, "moved": 10])
        stage.table.withLock { $0["10.0.0.4"] = [.ownerName: .text("again")] }
        fixture.invalidations.add(.value(.ownerName, "moved"))
        fixture.window([flow])
        #expect(fixture.values("network.flow.bytes") == ["frontend": 20, "moved": 10, "again": 10])
    }

    @Test("a flow with a pending end waits one window, then goes on with what is known")
    func hold() {
        let stage = TableStage(["10.0.0.4": [.ownerName: .pending]])
        var fixture = PipelineFixture("metrics: { network.flow.bytes: [src.owner.name] }", enrichers: [stage.instance])
        let flow = CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 10)
        fixture.window([flow])
        #expect(fixture.values("network.flow.bytes").isEmpty)
        #expect(fixture.metric("weir_pipeline_held_bytes") == 10)
        stage.table.withLock { $0["10.0.0.4"] = [.ownerName: .text("found")] }
        fixture.invalidations.add(.address(IPAddress("10.0.0.4")!))
        fixture.window([])
        #expect(fixture.values("network.flow.bytes") == ["found": 10])
        #expect(fixture.metric("weir_pipeline_held_bytes") == 0)
    }

    @Test("rows that another pipeline let wait for longer wait no longer than new ones, and hold up none of these", arguments: [0, 1, 2, 6])
    func heldLonger(windows: Int) {
        let stage = TableStage(["10.0.0.4": [.ownerName: .pending]])
        func yaml(_ hold: Int) -> String { "{ pipeline: { hold: \(hold)s }, metrics: { network.flow.bytes: [src.owner.name] } }" }
        var before = PipelineFixture(yaml(300), enrichers: [stage.instance])
        before.window([CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 1000)])
        var next = PipelineFixture(yaml(5 * windows), enrichers: [stage.instance], adopting: before.series, held: before.pipeline.handOver())
        var alone = PipelineFixture(yaml(5 * windows), enrichers: [stage.instance])
        for window in 1...10 {
            let flows = [CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 1)]
            next.window(flows)
            alone.window(flows)
            let inherited: UInt64 = window <= windows ? 1000 : 0
            #expect(next.metric("weir_pipeline_held_bytes") == alone.metric("weir_pipeline_held_bytes") + inherited, "window \(window)")
        }
    }

    @Test("what still waits when the agent leaves is counted")
    func finishReleases() {
        let stage = TableStage(["10.0.0.4": [.ownerName: .pending]])
        var fixture = PipelineFixture("metrics: { network.flow.bytes: [src.owner.name] }", enrichers: [stage.instance])
        fixture.window([CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 10)])
        fixture.pipeline.finish()
        #expect(fixture.values("network.flow.bytes") == ["(private)": 10])
    }

    @Test("rows beyond max_held_flows go on unanswered and are counted")
    func holdIsBounded() {
        let stage = TableStage(["10.0.0.4": [.ownerName: .pending]])
        var fixture = PipelineFixture(
            "{ pipeline: { max_held_flows: 2 }, metrics: { network.flow.bytes: [src.owner.name] } }", enrichers: [stage.instance])
        fixture.window((1...5).map { CapturedFlow("10.0.0.4", "10.0.1.\($0)", bytes: 1) })
        #expect(fixture.values("network.flow.bytes") == ["(private)": 3])
        #expect(fixture.metric("weir_pipeline_held_flows") == 2)
        #expect(fixture.metric("weir_pipeline_hold_overflow_flows_total") == 3)
    }

    @Test("strangers carry their class in brackets, never an address")
    func strangers() {
        var fixture = PipelineFixture("metrics: { network.flow.bytes: [dst.owner.name, traffic.scope] }")
        fixture.window(
            ["8.8.8.8", "10.9.9.9", "239.1.1.1", "2001:db8::1", "fd00::1"].map {
                CapturedFlow($0.contains(":") ? "fd00::9" : "10.0.0.4", $0, bytes: 1)
            })
        #expect(
            fixture.values("network.flow.bytes") == [
                "(internet)|internet": 2, "(private)|unknown": 2, "(multicast)|multicast": 1,
            ])
    }

    @Test("two cgroups behind one address are two endpoints")
    func owners() {
        struct ByOwner: EndpointEnricher {
            let writes: Set<Attribute> = [.ownerName]
            func enrich(_ endpoints: inout EndpointBatch) {
                for row in endpoints.rows where endpoints.owner(row) != 0 {
                    endpoints.answer(.ownerName, row, .text("cgroup \(endpoints.owner(row))"))
                }
            }
        }
        var fixture = PipelineFixture(
            "metrics: { network.flow.bytes: [src.owner.name] }", enrichers: [EnricherInstance(name: "o", stage: .endpoint(ByOwner()))])
        fixture.window([
            CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 1, owners: (7, 0)), CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 2, owners: (8, 0)),
        ])
        #expect(fixture.values("network.flow.bytes") == ["cgroup 7": 1, "cgroup 8": 2])
    }

    @Test("a flow enricher of a plugin fills its own attribute for metrics and filters")
    func flowEnricher() {
        struct Sizes: FlowEnricher {
            static let size = Attribute.flow("size.class")
            let writes: Set<Attribute> = [Self.size]
            func enrich(_ flows: inout FlowBatch) {
                for row in flows.rows {
                    let owner = flows.text(of: .ownerName, .source, row) ?? "?"
                    flows.answer(Self.size, row, flows.bytes[row] > 100 ? "large of \(owner)" : "small")
                }
            }
        }
        var fixture = PipelineFixture(
            """
            filter: size.class ~ "*a*"
            metrics: { network.flow.bytes: [size.class] }
            """, enrichers: [EnricherInstance(name: "sizes", stage: .flow(Sizes()))])
        fixture.window([CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 200), CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 20)])
        #expect(fixture.values("network.flow.bytes") == ["large of ?": 200, "small": 20])
        #expect(fixture.metric("weir_pipeline_symbols") < 20)
    }

    @Test("the address that was dialled stands at the end that was: in filters, series and records, however many there are")
    func services() async {
        let yaml =
            "{ filter: 'dst.service.address != \"10.96.0.66\"', metrics: { network.flow.bytes: [src.service.address, dst.service.address] }, records: [dst.service.address] }"
        var fixture = PipelineFixture(yaml)
        func flow(_ service: String?, _ end: End = .destination, bytes: UInt64 = 1) -> CapturedFlow {
            var flow = CapturedFlow("10.0.0.4", "10.0.0.23", bytes: bytes)
            if let service { (flow.service, flow.serviceEnd) = (IPAddress(service)!, end) }
            return flow
        }
        fixture.window([
            flow("10.96.0.10", bytes: 5), flow("10.96.0.10", .source, bytes: 7), flow(nil, bytes: 11), flow("10.96.0.66", bytes: 13),
            flow("fd96::10", bytes: 17),
        ])
        #expect(fixture.values("network.flow.bytes") == ["|10.96.0.10": 5, "10.96.0.10|": 7, "|": 11, "|fd96::10": 17])
        let records = await fixture.delivered().map { $0["dst.service.address"] ?? "none" }
        #expect(records == ["10.96.0.10", "none", "none", "fd96::10"])

        // More than are kept, over and over: their symbols come back.
        var many = PipelineFixture("{ metrics: { network.flow.bytes: [dst.service.address] }, pipeline: { max_series: 10 } }")
        for round in 0..<4 as Range<UInt32> {
            many.window(
                (0..<10_000 as Range<UInt32>).map { number in
                    var flow = flow(nil)
                    flow.service = IPAddress(ipv4: 0x0a60_0000 + round * 10_000 + number)
                    return flow
                })
        }
        #expect(many.pipeline.knowledge.symbols.count < 13_000)
        #expect(many.values("network.flow.bytes").values.reduce(0, +) == 40_000)
    }

    @Test("an interface is a name: in filters, in series, and after a reload")
    func interfaces() {
        let yaml = "{ filter: 'iface == \"eth0\" or iface ~ \"7?\"', metrics: { network.flow.bytes: [iface] } }"
        var fixture = PipelineFixture(yaml)
        func flow(_ interface: UInt32) -> CapturedFlow {
            var flow = CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 10)
            flow.interfaceIndex = interface
            return flow
        }
        fixture.pipeline.nameInterfaces([2: "eth0", 3: "eth1"])
        fixture.window([flow(2), flow(3), flow(77), flow(900)])
        #expect(fixture.values("network.flow.bytes") == ["eth0": 10, "77": 10])
        // The same name under another number goes on in the same series.
        fixture.pipeline.nameInterfaces([12: "eth0"])
        fixture.window([flow(12)])
        #expect(fixture.values("network.flow.bytes") == ["eth0": 20, "77": 10])
        var next = PipelineFixture(yaml, adopting: fixture.series)
        next.pipeline.nameInterfaces([12: "eth0"])
        next.window([flow(12)])
        #expect(next.values("network.flow.bytes") == ["eth0": 30, "77": 10])
    }

    @Test("windows that end a little early or late hold a row for one window all the same")
    func jitteredWindows() {
        let stage = TableStage(["10.0.0.4": [.ownerName: .pending]])
        var fixture = PipelineFixture("metrics: { network.flow.bytes: [src.owner.name] }", enrichers: [stage.instance])
        for length: UInt64 in [5_010_000_000, 4_950_000_000, 5_000_100_000, 4_900_000_000] {
            let before = fixture.metric("weir_pipeline_series_bytes_total")
            fixture.window([CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 10)], nanoseconds: length)
            #expect(fixture.metric("weir_pipeline_held_bytes") == 10)
            #expect(fixture.metric("weir_pipeline_series_bytes_total") == before + (before == 0 && fixture.windows == 1 ? 0 : 10))
        }
    }

    @Test("a held row is recorded in the window in which it was counted")
    func heldWindow() async {
        let stage = TableStage(["10.0.0.4": [.ownerName: .pending]])
        var fixture = PipelineFixture("{ metrics: {}, records: [src.owner.name] }", enrichers: [stage.instance])
        let first = fixture.now
        fixture.window([CapturedFlow("10.0.0.4", "10.0.0.9", bytes: 10)])
        fixture.window([CapturedFlow("10.0.0.5", "10.0.0.9", bytes: 20)])
        let rows = await fixture.delivered()
        #expect(rows.first { $0["bytes"] == "10" }?["window"] == "\(first)")
        #expect(rows.first { $0["bytes"] == "20" }?["window"] == "\(first + 5_000_000_000)")
    }

    @Test("a stage that is slow five times is left out; what was known stays, and everything is asked again")
    func suspension() {
        final class Slow: EndpointEnricher {
            let writes: Set<Attribute> = [.ownerName]
            let isSlow = Mutex(false)
            func enrich(_ endpoints: inout EndpointBatch) {
                if isSlow.withLock({ $0 }) {
                    let end = ContinuousClock.now + .milliseconds(55)
                    while ContinuousClock.now < end {}
                }
                for row in endpoints.rows { endpoints.answer(.ownerName, row, .text("known")) }
            }
        }
        let slow = Slow()
        var fixture = PipelineFixture(
            "metrics: { network.flow.bytes: [src.owner.name] }", enrichers: [EnricherInstance(name: "slow", stage: .endpoint(slow))])
        fixture.window([CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 1)])
        slow.isSlow.withLock { $0 = true }
        for number in 1...5 { fixture.window([CapturedFlow("10.0.1.\(number)", "10.0.0.2", bytes: 1)]) }
        #expect(fixture.metric("weir_stage_suspended") == 1)
        fixture.invalidations.add(.all)
        fixture.window([CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 1), CapturedFlow("10.0.2.1", "10.0.0.2", bytes: 1)])
        #expect(fixture.values("network.flow.bytes") == ["known": 7, "(private)": 1])
        #expect(fixture.metric("weir_stage_suspensions_total") == 1)
    }

    @Test("an address that comes to this host or leaves it is asked again")
    func movesHere() {
        struct Here: EndpointEnricher {
            let writes: Set<Attribute> = [.ownerName]
            func enrich(_ endpoints: inout EndpointBatch) {
                for row in endpoints.rows where endpoints.isLocal(row) { endpoints.answer(.ownerName, row, .text("this host")) }
            }
        }
        var fixture = PipelineFixture(
            "metrics: { network.flow.bytes: [src.owner.name] }", enrichers: [EnricherInstance(name: "here", stage: .endpoint(Here()))])
        var flow = CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 1)
        for isHost in [false, true, true, false] {
            flow.sourceIsHost = isHost
            fixture.window([flow])
        }
        #expect(fixture.values("network.flow.bytes") == ["(private)": 2, "this host": 2])
    }

    @Test("records carry the selected attributes and leave out what is absent")
    func records() async {
        let stage = TableStage(["10.0.0.4": frontend])
        var fixture = PipelineFixture(
            "{ metrics: {}, records: [src.address, src.port, dst.owner.name, src.zone, dst.zone, transport] }", enrichers: [stage.instance])
        fixture.window([CapturedFlow("10.0.0.4", "9.9.9.9", bytes: 5, ports: (54200, 80))])
        let rows = await fixture.delivered()
        #expect(
            rows == [
                [
                    "window": "1000000000000", "src.address": "10.0.0.4", "src.port": "54200", "dst.owner.name": "(internet)", "src.zone": "a",
                    "transport": "TCP", "bytes": "5",
                    "packets": "1",
                ]
            ])
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PrometheusExporter
internal import Synchronization
internal import Testing
internal import WeirKit

@Suite("prometheus: the page")
struct PageTests {
    private let zones = metric(
        named: "weir.network.inter.zone.bytes", help: "Bytes between zones.", ["src.owner.name", "dst.owner.name", "src.zone"],
        [
            (["frontend", "database", "eu-west-1a"], 1357),
            (["frontend", "", ""], 18_446_744_073_709_551_615),
            (["", "", ""], 0),
            (["these", "texts do not", "count"], 42),
        ], overflow: 3)

    @Test("text format: absent values are left out, and the overflow series carries its mark alone")
    func text() async throws {
        #expect(
            try await scrape([zones]).page == """
                # HELP weir_network_inter_zone_bytes_total Bytes between zones.
                # TYPE weir_network_inter_zone_bytes_total counter
                weir_network_inter_zone_bytes_total{src_owner_name="frontend",dst_owner_name="database",src_zone="eu-west-1a"} 1357
                weir_network_inter_zone_bytes_total{src_owner_name="frontend"} 18446744073709551615
                weir_network_inter_zone_bytes_total 0
                weir_network_inter_zone_bytes_total{otel_metric_overflow="true"} 42
                # HELP weir_prometheus_broken_scrapes_total Scrapes that ended before the last byte was taken, usually by the scraper's time-out.
                # TYPE weir_prometheus_broken_scrapes_total counter
                weir_prometheus_broken_scrapes_total 0
                # HELP weir_prometheus_scrapes_total Scrapes answered, by the format that was agreed on.
                # TYPE weir_prometheus_scrapes_total counter
                weir_prometheus_scrapes_total{format="text"} 1
                weir_prometheus_scrapes_total{format="openmetrics"} 0

                """)
    }

    @Test("OpenMetrics: families without _total, a unit where there is one, and an end")
    func open() async throws {
        let registry = MetricRegistry()
        registry.gauge("weir_map_size_bytes", "Memory of \"the\" map.").set(4096)
        let packets = metric(named: "weir.network.flow.packets", help: "Packets.", unit: "{packet}", ["transport"], [(["TCP"], 2)])
        #expect(
            try await scrape([zones, packets], accept: openMetrics, registry: registry.labelled("stage", "p")).page == """
                # HELP weir_network_inter_zone_bytes Bytes between zones.
                # TYPE weir_network_inter_zone_bytes counter
                # UNIT weir_network_inter_zone_bytes bytes
                weir_network_inter_zone_bytes_total{src_owner_name="frontend",dst_owner_name="database",src_zone="eu-west-1a"} 1357
                weir_network_inter_zone_bytes_total{src_owner_name="frontend"} 18446744073709551615
                weir_network_inter_zone_bytes_total 0
                weir_network_inter_zone_bytes_total{otel_metric_overflow="true"} 42
                # HELP weir_network_flow_packets Packets.
                # TYPE weir_network_flow_packets counter
                weir_network_flow_packets_total{transport="TCP"} 2
                # HELP weir_map_size_bytes Memory of \\"the\\" map.
                # TYPE weir_map_size_bytes gauge
                # UNIT weir_map_size_bytes bytes
                weir_map_size_bytes 4096
                # HELP weir_prometheus_broken_scrapes Scrapes that ended before the last byte was taken, usually by the scraper's time-out.
                # TYPE weir_prometheus_broken_scrapes counter
                weir_prometheus_broken_scrapes_total{stage="p"} 0
                # HELP weir_prometheus_scrapes Scrapes answered, by the format that was agreed on.
                # TYPE weir_prometheus_scrapes counter
                weir_prometheus_scrapes_total{stage="p",format="text"} 0
                weir_prometheus_scrapes_total{stage="p",format="openmetrics"} 1
                # EOF

                """)
    }

    @Test("values and help are escaped, and other scripts are not")
    func escaping() async throws {
        let odd = metric(help: "a\\b\n\"c\"", ["dst.name"], [(["\\ \" \n käse 東京 { } , ="], 1), (["\""], 2), (["a\\"], 3)])
        let lines = try await scrape([odd]).page.split(separator: "\n").prefix(5)
        #expect(
            lines == [
                #"# HELP weir_network_flow_bytes_total a\\b\n"c""#,
                "# TYPE weir_network_flow_bytes_total counter",
                #"weir_network_flow_bytes_total{dst_name="\\ \" \n käse 東京 { } , ="} 1"#,
                #"weir_network_flow_bytes_total{dst_name="\""} 2"#,
                #"weir_network_flow_bytes_total{dst_name="a\\"} 3"#,
            ])
    }

    @Test("a long page comes in pieces of bounded size that make up the whole")
    func chunks() async throws {
        let many = metric(["dst.name"], (0..<10_000).map { (["host-\($0).example"], UInt64($0)) })
        let (page, chunks) = try await scrape([many])
        #expect(chunks.count > 10)
        #expect(chunks.allSatisfy { $0 < 33 << 10 })
        #expect(chunks.dropLast().allSatisfy { $0 >= 32 << 10 })
        #expect(series(page) == (0..<10_000).map { "weir_network_flow_bytes_total{dst_name=\"host-\($0).example\"} \($0)" })
    }

    @Test("a metric without series is still described")
    func noSeries() async throws {
        #expect(try await scrape([metric(["src.zone"], [])]).page.hasPrefix("# HELP weir_network_flow_bytes_total Layer-3 bytes.\n# TYPE "))
    }

    @Test("a scraper that goes away is counted")
    func broken() async throws {
        struct Gone: Error {}
        let registry = MetricRegistry()
        let exporter = PrometheusExporter(PrometheusOptions(), context(registry))
        let answer = exporter.answer(HTTPQuestion(path: "/metrics", accept: ""), SeriesReader { [] })
        await #expect(throws: Gone.self) { try await answer.body { _ in throw Gone() } }
        #expect(registry.read().first { $0.name == "weir_prometheus_broken_scrapes_total" }?.cells.first?.cell.current == 1)
    }

    @Test("run answers its path until it is cancelled")
    func run() async throws {
        let routes = HTTPRoutes()
        var options = PrometheusOptions()
        options.path = "/m"
        let exporter = PrometheusExporter(options, context(routes: routes))
        let running = Task { try await exporter.run(SeriesReader { [metric([], [([], 7)])] }) }
        while routes.handler(for: "/m") == nil { await Task.yield() }
        let answer = await routes.handler(for: "/m")!(HTTPQuestion(path: "/m", accept: "text/plain"))
        let page = Mutex("")
        try await answer.body { bytes in page.withLock { $0 += String(decoding: bytes, as: UTF8.self) } }
        #expect(page.withLock { series($0) } == ["weir_network_flow_bytes_total 7"])
        running.cancel()
        _ = await running.result
        #expect(routes.handler(for: "/m") == nil)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc
internal import PrometheusExporter
internal import Testing
internal import WeirKit

@Suite("prometheus: what Prometheus' own tool says")
struct PromtoolTests {
    @Test("promtool accepts the page without a remark, whatever is in it")
    func check() async throws {
        let registry = MetricRegistry()
        registry.counter("weir_export_lost_records_total", "Records lost, by \"reason\" \\ and so on.", [("reason", "disk \"full\"\n")]).add()
        registry.gauge("weir_endpoints", "Endpoints known now.").set(2)
        registry.counter("weir_drain_seconds_total", "Time spent.", scale: .nanoseconds).add(1_050_000_007)
        let texts = ["frontend", "", "\\", "\"", "a\nb", "東京", "{x=\"y\"}", String(repeating: "z", count: 256)]
        let pairs = texts.flatMap { source in texts.map { [source, $0] } }
        let names = ["network.flow.bytes", "network.flow.packets", "network.inter.zone.bytes", "payments.egress", "payments_egress"]
        let page = try await scrape(
            names.map { name in
                metric(
                    named: name, help: "Help of \(name), \\ and\nmore.", unit: name.hasSuffix("packets") ? "{packet}" : "By",
                    ["src.owner.name", "dst.x"],
                    pairs.enumerated().map { ($1, UInt64($0)) } + [(["", "over"], .max)], overflow: pairs.count)
            } + [metric(named: "nothing.yet", ["src.zone"], [])], registry: registry
        ).page
        let (status, output) = try promtool(page)
        #expect(status == 0)
        #expect(output == "")
        #expect(page.contains("\nweir_drain_seconds_total 1.050000007\n"))
    }

    @Test("promtool does find fault with a bad page, so the test above means something")
    func refuses() throws {
        #expect(try promtool("weir_network_flow_bytes_total{a=\"b} 1\n").status != 0)
    }

    /// `promtool check metrics` over standard input; `make deps` installs it. Without it the test fails.
    private func promtool(_ page: String) throws -> (status: Int32, output: String) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "weir-promtool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(page.utf8).write(to: folder.appending(path: "page"))
        let output = folder.appending(path: "output").path
        // The command lives as long as the call.
        let status = unsafe system("promtool check metrics < '\(folder.path)/page' > '\(output)' 2>&1")
        return (status >> 8, String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self))
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import PrometheusExporter
internal import Testing
internal import WeirHost
internal import WeirKit
internal import WeirPipeline

@Suite("check --queries")
struct QueryTests {
    private static let folder = Fixtures.folder.appendingPathComponent("Queries")

    private static func check(_ files: String...) throws -> Fixtures.Outcome {
        try Fixtures.shell("cd '\(folder.path)' && \"$weir\" check --config weir.yaml --queries \(files.joined(separator: " "))")
    }

    @Test("the user sees exactly this; RECORD=1 writes it anew")
    func report() throws {
        let found = try Self.check("rules.yaml", "dashboard.json", "plain.promql")
        let file = Self.folder.appendingPathComponent("expected.txt")
        if Fixtures.isRecording { try (found.errors + found.output).write(to: file, atomically: true, encoding: .utf8) }
        #expect(found.status == 0)
        #expect(found.errors + found.output == Fixtures.text(file))
    }

    @Test("with both ends reporting, the remedy is another")
    func bothEnds() throws {
        try Fixtures.inFolder { folder in
            let config = folder.appendingPathComponent("weir.yaml")
            try "accounting: { observer: both, covered: [10.0.0.1] }\nexport: [prometheus]\n".write(to: config, atomically: true, encoding: .utf8)
            let query = folder.appendingPathComponent("q.promql")
            try "sum(rate(weir_network_flow_bytes_total[5m])) / 2\n".write(to: query, atomically: true, encoding: .utf8)
            let found = try Fixtures.weir("check", "--config", config.path, "--queries", query.path)
            #expect(found.status == 0 && found.errors.contains("write 'observer: source', and the query without '/ 2'"), "\(found)")
        }
    }

    /// The default, and what a table may say instead of a list.
    @Test(
        "where nothing is covered, both agents export a flow, and half is right until the hosts are listed",
        arguments: [
            ("export: [prometheus]", true), ("accounting: { observer: destination }\nexport: [prometheus]", true),
            ("accounting: { covered: [10.0.0.1] }\nexport: [prometheus]", false),
            ("enrich: [{ plugin: cidr, tables: [{ cidr: 10.0.0.0/24, covered: 'true' }] }]\nexport: [prometheus]", false),
        ])
    func uncovered(_ yaml: String, _ isUncovered: Bool) throws {
        try Fixtures.inFolder { folder in
            let config = folder.appendingPathComponent("weir.yaml")
            try (yaml + "\n").write(to: config, atomically: true, encoding: .utf8)
            let query = folder.appendingPathComponent("q.promql")
            try "sum(rate(weir_network_flow_bytes_total[5m])) / 2\n".write(to: query, atomically: true, encoding: .utf8)
            let found = try Fixtures.weir("check", "--config", config.path, "--queries", query.path)
            let expected =
                isUncovered
                ? "is halved; 'accounting.covered' is empty, so a flow between two agents is exported by both: list the hosts there, then write it "
                    + "without '/ 2'\n"
                : "is halved, and Weir counts each flow once: write it without '/ 2'\n"
            #expect(found.status == 0 && found.errors.contains(expected), "\(found)")
        }
    }

    @Test("a file that is not there is a mistake, and nothing is said of the others")
    func missing() throws {
        let found = try Self.check("rules.yaml", "nowhere.yaml")
        #expect(found.status == 1 && found.errors == "nowhere.yaml: could not be read: No such file or directory\n", "\(found)")
    }

    /// What is halved is halved however the file writes it.
    @Test(
        "a rule's query is found in every way to write it",
        arguments: [
            "- expr: weir_network_flow_bytes_total / 2", "- expr: 'weir_network_flow_bytes_total / 2'",
            "- expr: \"weir_network_flow_bytes_total / 2\"",
            "- expr: >-\n    weir_network_flow_bytes_total\n    / 2\n  for: 5m",
            "- record: x\n  \"expr\": |2\n      weir_network_flow_bytes_total / 2",
            "rules:\n- alert: x\n  for: 1m\n  expr:   weir_network_flow_bytes_total\n\n    / 2\n- alert: y",
            "{\"expr\":\"weir_network_flow_bytes_total\\n/ 2\"}",
            "  - expr: !!str weir_network_flow_bytes_total / 2\r\n    for: 5m\r\n",
            "[{\"a\": {\"query\" : \"weir_network_flow_bytes_total \\u002f 2\"}}]",
        ])
    func forms(_ text: String) {
        let found = WeirHost.warnings(ofQueries: Array(text.utf8), as: "rules.yml")
        #expect(found.queries == 1)
        #expect(
            found.warnings.map(\.message) == ["'weir_network_flow_bytes_total' is halved, and Weir counts each flow once: write it without '/ 2'"])
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let place = found.warnings.first?.position, lines.indices.contains(place.line - 1) else { return }
        let rest = lines[place.line - 1].dropFirst(place.column - 1)
        #expect(rest.hasPrefix("/") || rest.hasPrefix("\\u002f"), "\(place) is '\(rest)'")
    }

    @Test(
        "what only looks like a query of a file is none",
        arguments: [
            "description: |\n  expr: weir_network_flow_bytes_total / 2\n", "- exprs: weir_network_flow_bytes_total / 2",
            "# expr: weir_network_flow_bytes_total / 2",
            "{\"title\":\"weir_network_flow_bytes_total / 2\"}", "{\"expr\":{\"x\":\"weir_network_flow_bytes_total / 2\"}}", "expr: [weir]", "expr:",
        ])
    func noQueries(_ text: String) { #expect(WeirHost.warnings(ofQueries: Array(text.utf8), as: "rules.yml").warnings.isEmpty) }

    @Test(
        "a factor that is no half is left alone",
        arguments: [
            "weir_network_flow_bytes_total / 20", "weir_network_flow_bytes_total * 2", "2 / weir_network_flow_bytes_total",
            "weir_network_flow_bytes_total / 2.5",
            "sum(up) / 2 + sum(weir_network_flow_bytes_total)", "weir_kernel_seen_bytes_total / 2", "weir_network_flow_bytes_total / $half",
            "weir_network_flow_bytes_total / count(up)", "weir_network_flow_bytes_total{dst_zone=\"/ 2\"}",
        ])
    func noHalves(_ text: String) {
        let found = WeirHost.warnings(ofQueries: Array(text.utf8), as: "q.promql")
        #expect(found.queries == 1 && found.warnings.isEmpty, "\(found)")
    }

    @Test("metrics are looked for by the names that the prometheus exporter gives them", arguments: NamingProfile.allCases)
    func sameNames(_ profile: NamingProfile) {
        for (name, measure) in MetricDefinition.builtInMeasures + [("payments.egress", .bytes), ("talks_total", .packets)] {
            let text = PrometheusName.family(profile.metric(name), unit: measure.unit) + "_total"
            #expect(WeirHost.prometheusName(of: name, profile, measure) == text)
        }
    }

    @Test(
        "a label of Beyla's that has no counterpart is said to be missing, with the reason",
        arguments: [
            ("sum by (iface_direction) (beyla_network_flow_bytes_total)", "iface_direction", "a packet is counted at one hook"),
            ("beyla_network_flow_bytes_total{src_country=\"DE\"}", "src_country", "there is no GeoIP stage"),
            ("beyla_network_flow_bytes_total{network_protocol_name=~\"http.*\"}", "network_protocol_name", "a port is no protocol"),
        ])
    func leftOut(_ text: String, _ label: String, _ reason: String) {
        let found = WeirHost.warnings(ofQueries: Array(text.utf8), as: "q.promql").warnings.map(\.message)
        let start = "'beyla_network_flow_bytes_total' has no label '\(label)'; Weir has none: \(reason)"
        #expect(found.count == 1 && found[0].hasPrefix(start), "\(found)")
    }

    @Test("labels that Prometheus or relabelling gives are nobody's slip")
    func othersLabels() {
        let text = "sum by (job, instance, cluster, iface_direction) (weir_network_flow_bytes_total)"
        #expect(WeirHost.warnings(ofQueries: Array(text.utf8), as: "q.promql").warnings.isEmpty)
    }
}

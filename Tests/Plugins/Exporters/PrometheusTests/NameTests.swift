// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PrometheusExporter
internal import Testing

@Suite("prometheus: names")
struct NameTests {
    @Test(
        "a metric gets its unit once, and room for _total",
        arguments: [
            ("weir.network.flow.bytes", "By", "weir_network_flow_bytes"),
            ("weir.network.flow.packets", "{packet}", "weir_network_flow_packets"),
            ("weir.network.inter.zone.bytes", "By", "weir_network_inter_zone_bytes"),
            ("weir.payments.egress", "By", "weir_payments_egress_bytes"),
            ("weir.payments.egress", "{packet}", "weir_payments_egress"),
            ("weir.payments.total", "{packet}", "weir_payments"),
            ("beyla.network.flow.bytes", "By", "beyla_network_flow_bytes"),
            ("network.flow.packets", "{packet}", "network_flow_packets"),
            ("weir.käse-brot 2", "By", "weir_k_se_brot_2_bytes"),
        ])
    func family(_ name: String, _ unit: String, _ expected: String) {
        #expect(PrometheusName.family(name, unit: unit) == expected)
    }

    @Test("attributes become labels, and two that would share a name stay two")
    func labels() {
        #expect(PrometheusName.labels(["src.owner.name", "k8s.dst.namespace"]) == ["src_owner_name", "k8s_dst_namespace"])
        #expect(PrometheusName.labels(["src.a.b", "src.a_b", "src.a-b"]) == ["src_a_b", "src_a_b_2", "src_a_b_3"])
        #expect(PrometheusName.labels(["a.b_2", "a.b", "a_b"]) == ["a_b_2", "a_b", "a_b_3"])
        #expect(PrometheusName.labels(["1st", "__name__", "ü"]) == ["_1st", "x__name__", "_"])
    }

    @Test("two metrics never share a family, and the agent's own families keep their names")
    func families() {
        var names = FamilyNames(taken: ["weir_capture_seen_bytes_total", "weir_up"])
        #expect(names.name(for: metric(named: "weir.a.b", [], [])) == "weir_a_b_bytes")
        #expect(names.name(for: metric(named: "weir.a_b", [], [])) == "weir_a_b_bytes_2")
        #expect(names.name(for: metric(named: "weir.capture.seen.bytes", [], [])) == "weir_capture_seen_bytes_2")
    }
}

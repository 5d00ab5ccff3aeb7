// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// `naming:` of an exporter: whose words it uses for metrics, attributes and their values. ``NamingTable`` says what they are.
///
/// The pipeline keeps one set of names, Weir's, for configuration, filters, cases and messages; what an exporter is handed is
/// renamed on the way: names once per metric, values once per series or text.
package enum NamingProfile: String, ConfigChoice, Hashable {
    /// `weir_network_flow_bytes_total{src_owner_name=…}`.
    case weir
    /// Grafana Beyla's, so that its dashboards and queries go on: `beyla_network_flow_bytes_total{k8s_src_owner_name=…}`.
    case beyla
    /// OpenTelemetry's draft of a convention for flows: `network.flow.bytes` by `source.k8s.namespace.name`.
    case otel

    /// What stands in front of every metric's name, one's own metrics included. Beyla and Weir put the product there, as OpenTelemetry
    /// asks of names that are not its own; the draft's names are OpenTelemetry's, and one's own are up to oneself.
    package var metricPrefix: String {
        switch self {
        case .weir: "weir."
        case .beyla: "beyla."
        case .otel: ""
        }
    }

    /// `network.flow.bytes` → `beyla.network.flow.bytes`. Injective, since it only adds.
    package func metric(_ name: String) -> String { metricPrefix + name }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// Shows the series, and the agent's own counters, to whoever scrapes the host's listener.
public enum PrometheusPlugin: Plugin {
    public static let name = "prometheus"
    public static let summary = "Answers scrapes on the host's listener, in the Prometheus text format or in OpenMetrics."
    public static var sample: String { String(decoding: PackageResources.sample_yaml, as: UTF8.self) }

    public static func make(_ options: PrometheusOptions, in context: PluginContext) throws -> BuiltStage {
        try context.routes.claim(options.path, by: context.instance)
        return .metrics(PrometheusExporter(options, context))
    }
}

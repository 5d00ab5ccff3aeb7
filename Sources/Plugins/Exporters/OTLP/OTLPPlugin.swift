// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// Sends the series to an OpenTelemetry collector, or to anything else that takes OTLP over HTTP.
public enum OTLPPlugin: Plugin {
    public static let name = "otlp"
    public static let summary = "Sends the series to an OpenTelemetry receiver by OTLP over HTTP, cumulative or delta."
    public static var sample: String { String(decoding: PackageResources.sample_yaml, as: UTF8.self) }

    public static func make(_ options: OTLPOptions, in context: PluginContext) throws -> BuiltStage {
        .metrics(OTLPExporter(try Settings(options, environment: context.environment), context))
    }
}

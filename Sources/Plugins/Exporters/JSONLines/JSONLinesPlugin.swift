// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// Writes each record, and each series at an interval, as one line of JSON.
public enum JSONLinesPlugin: Plugin {
    public static let name = "json_lines"
    public static let summary = "Appends records, and metrics at an interval, to a file or to standard output, one line of JSON each."
    public static var sample: String { String(decoding: PackageResources.sample_yaml, as: UTF8.self) }

    public static func make(_ options: JSONLinesOptions, in context: PluginContext) -> BuiltStage {
        .recordsAndMetrics(JSONLinesExporter(options, context))
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// Writes each record as one line of JSON.
public enum JSONLinesPlugin: Plugin {
    public static let name = "json_lines"
    public static let summary = "Appends each record to a file, or to standard output, as one line of JSON."
    public static var sample: String { String(decoding: PackageResources.sample_yaml, as: UTF8.self) }

    public static func make(_ options: JSONLinesOptions, in context: PluginContext) -> BuiltStage {
        .records(JSONLinesExporter(options, context))
    }
}

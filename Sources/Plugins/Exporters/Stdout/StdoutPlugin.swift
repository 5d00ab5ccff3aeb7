// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// Shows the flows of each window as a table for people.
public enum StdoutPlugin: Plugin {
    public static let name = "stdout"
    public static let summary = "Prints the largest flows of each window as a table for people."
    public static var sample: String { String(decoding: PackageResources.sample_yaml, as: UTF8.self) }

    public static func make(_ options: StdoutOptions, in context: PluginContext) -> BuiltStage {
        .records(StdoutExporter(options))
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import WeirKit

/// `csv_report`: the counters as tables that a spreadsheet opens.
public enum CSVReportPlugin: Plugin {
    public static let name = "csv_report"
    public static let summary = "Writes each metric to a CSV file of its own, anew at every interval."
    public static let sample = String(decoding: PackageResources.csv_report_yaml, as: UTF8.self)

    public static func make(_ options: CSVReportOptions, in context: PluginContext) -> BuiltStage {
        .metrics(CSVReportExporter(options, context))
    }
}

/// What users write for `csv_report`.
public struct CSVReportOptions: PluginOptions {
    /// Where the files go.
    public var folder = "/var/log/weir"
    /// How often they are written.
    public var interval: Duration = .seconds(60)

    public init() {}

    public mutating func read(_ section: inout ConfigSection) {
        section.read("interval", into: &interval, in: .seconds(1) ... .seconds(86_400))
        guard let node = section.take("folder"), let path: String = section.scalar(node) else { return }
        // A service's working directory is not where its user stood.
        guard path.hasPrefix("/") else {
            return section.note(.badValue, "'\(path)' is not an absolute path such as \(folder)", at: node.position)
        }
        folder = path
    }
}

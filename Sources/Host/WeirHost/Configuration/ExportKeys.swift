// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline

/// The keys that the host reads of every exporter, whatever its plugin. They are taken before the plugin is made,
/// and judged after: only then is it known whether it takes metrics or records.
struct ExportKeys {
    var metrics: [(glob: Glob, position: ConfigPosition)]?
    var metricsPosition: ConfigPosition?
    var naming = NamingProfile.weir
    var namingPosition: ConfigPosition?
    var records: (wanted: Bool, position: ConfigPosition)?
    var filter: ConfigNode?
    var attributes: ConfigNode?
    var queueLimit = 65_536
    var queuePosition: ConfigPosition?

    /// Beside `plugin`, `name` and `enabled`, which every instance has.
    static let names: Set<String> = ["metrics", "naming", "records", "filter", "attributes", "queue"]

    init(_ section: inout ConfigSection) {
        if let node = section.take("metrics") {
            metricsPosition = node.position
            metrics = section.list(node).compactMap { item in (section.scalar(item) as Glob?).map { ($0, item.position) } }
        }
        if let node = section.take("naming") {
            namingPosition = node.position
            if node.text == "obi" {
                section.note(
                    .badValue, "'obi' is no profile: OBI's names are Beyla's with 'obi' in front; write beyla, and rename", at: node.position)
            } else if let profile: NamingProfile = section.scalar(node) {
                naming = profile
            }
        }
        if let node = section.take("records"), let wanted: Bool = section.scalar(node) { records = (wanted, node.position) }
        filter = section.take("filter")
        attributes = section.take("attributes")
        if let node = section.take("queue"), let limit: Int = section.scalar(node) {
            queuePosition = node.position
            if (1...16_777_216).contains(limit) {
                queueLimit = limit
            } else {
                section.note(.outOfRange, "queue is from 1 to 16777216", at: node.position)
            }
        }
    }

    /// Of an exporter that takes both: records unless they are switched off, metrics where some are named.
    var wantsRecords: Bool { records?.wanted ?? true }
    var wantsMetrics: Bool { metrics?.isEmpty == false }

    /// Notes the keys that mean nothing to `exporter`, one of metrics.
    func checkForMetrics(_ exporter: String, _ problems: ConfigProblems) {
        if let filter {
            let message =
                "\(exporter) exports metrics, which are added up already; write the filter at the metric: metrics: { my.metric: { measure: bytes, filter: … } }"
            problems.note(.conflict, message, at: filter.position)
        }
        if let records, records.wanted { problems.note(.conflict, "\(exporter) exports metrics, not records", at: records.position) }
        if let attributes {
            problems.note(.conflict, "\(exporter) exports metrics; their attributes are chosen under 'metrics'", at: attributes.position)
        }
        if let queuePosition { problems.note(.conflict, "\(exporter) exports metrics, which need no queue", at: queuePosition) }
    }

    /// Notes the keys that mean nothing to an exporter of both, as it is used here.
    func checkForBoth(_ plugin: String, _ problems: ConfigProblems) {
        guard let records, !records.wanted else { return }
        guard wantsMetrics else {
            let message = "'\(plugin)' would export neither records nor metrics: name metrics, such as metrics: [\"*\"], or write enabled: false"
            return problems.note(.conflict, message, at: records.position)
        }
        checkForMetrics("'\(plugin)' without records", problems)
    }

    /// Notes the keys that mean nothing to an exporter of records.
    func checkForRecords(_ plugin: String, _ problems: ConfigProblems) {
        if let metricsPosition { problems.note(.conflict, "'\(plugin)' exports records, not metrics", at: metricsPosition) }
        if let records, !records.wanted {
            problems.note(.conflict, "'\(plugin)' exports nothing but records; to turn it off write enabled: false", at: records.position)
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// `pipeline:`: the limits of what the agent keeps in mind.
package struct PipelineOptions: PluginOptions {
    /// How long a flow may wait for an answer that a stage is still finding out; nil: one window.
    package var hold: Duration?
    /// Rows that may wait at once; beyond, the oldest go on with what is known.
    package var maxHeldFlows = 65_536
    package var maxEndpoints = 262_144
    /// Series per metric; further combinations count in the series marked `otel.metric.overflow`.
    package var maxSeries = 2000
    /// Values per attribute and metric; further ones count as `(other)`.
    package var maxValues = 1000
    package var seriesTTL = Duration.seconds(300)
    /// Whether series stay for ever, whatever `seriesTTL` says: what is read from a file ends with the sums of all of it.
    package var keepsSeries = false
    /// How long a new series shows as 0, so that `rate()` sees its first value as an increase. One scrape interval.
    package var bornAtZero = Duration.seconds(30)

    package init() {}

    package mutating func read(_ section: inout ConfigSection) {
        section.read("hold", into: &hold, in: .zero ... .seconds(600))
        section.read("max_held_flows", into: &maxHeldFlows, in: 0...1_048_576)
        section.read("max_endpoints", into: &maxEndpoints, in: 16_384...4_194_304)
        section.read("max_series", into: &maxSeries, in: 1...1_000_000)
        section.read("max_values", into: &maxValues, in: 1...1_000_000)
        section.read("series_ttl", into: &seriesTTL, in: .seconds(1) ... .seconds(86_400))
        section.read("born_at_zero", into: &bornAtZero, in: .zero ... .seconds(3600))
        if seriesTTL < bornAtZero {
            section.note(
                .conflict, "series_ttl must not be shorter than born_at_zero: a series would go before it showed its value", at: section.position)
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Every counter of the plugin.
struct Metrics: Sendable {
    private let text: Cell
    private let openMetrics: Cell
    /// Answers that the scraper did not take to the end.
    let brokenScrapes: Cell

    init(_ registry: MetricRegistry) {
        func scrapes(_ format: String) -> Cell {
            registry.counter("weir_prometheus_scrapes_total", "Scrapes answered, by the format that was agreed on.", [("format", format)])
        }
        text = scrapes("text")
        openMetrics = scrapes("openmetrics")
        brokenScrapes = registry.counter(
            "weir_prometheus_broken_scrapes_total", "Scrapes that ended before the last byte was taken, usually by the scraper's time-out.")
    }

    func scrapes(_ format: ExpositionFormat) -> Cell { format == .text ? text : openMetrics }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Every counter of the plugin.
struct Metrics: Sendable {
    private let registry: MetricRegistry
    let deliveredPoints: Cell
    let rejectedPoints: Cell
    let supersededPoints: Cell
    let sentBytes: Cell
    let messageBytes: Cell
    let badAnswers: Cell
    let readings: Cell
    let lateReadings: Cell
    let up: Cell
    let waitingSeries: Cell
    let encodeTime: Cell

    init(_ registry: MetricRegistry) {
        self.registry = registry
        deliveredPoints = registry.counter("weir_otlp_delivered_points_total", "Points in requests that the receiver took.")
        rejectedPoints = registry.counter(
            "weir_otlp_rejected_points_total", "Points that the receiver says it left out of requests that it took (partial success).")
        supersededPoints = registry.counter(
            "weir_otlp_superseded_points_total", "Cumulative points that were not taken in time, and gave way to newer ones of the same series.")
        sentBytes = registry.counter("weir_otlp_sent_bytes_total", "Bytes of bodies that were taken, as they were sent.")
        messageBytes = registry.counter("weir_otlp_message_bytes_total", "The same before compression.")
        badAnswers = registry.counter(
            "weir_otlp_bad_answers_total", "Answers that say the request was taken, with a body that is cut, too large or no OTLP.")
        readings = registry.counter("weir_otlp_readings_total", "Times the series were read to be sent.")
        lateReadings = registry.counter("weir_otlp_skipped_readings_total", "Intervals without a reading, because a request took longer than one.")
        up = registry.gauge("weir_otlp_up", "1 when the last request was taken, 0 when it failed or none was sent yet.")
        waitingSeries = registry.gauge("weir_otlp_waiting_gone_series", "Series that expired before the receiver took their last value.")
        encodeTime = registry.counter("weir_otlp_encode_seconds_total", "Time spent on making and packing requests.", scale: .nanoseconds)
        // What never happened shows as 0: an alert on a counter that is not there is silent.
        for result in ["delivered", "again", "refused"] { requests(result).add(0) }
    }

    func requests(_ result: String) -> Cell {
        registry.counter("weir_otlp_requests_total", "Requests, by what became of them.", [("result", result)])
    }

    func failures(_ reason: String) -> Cell {
        registry.counter("weir_otlp_failures_total", "Requests that were not taken, by reason.", [("reason", reason)])
    }

    func refusedPoints(_ reason: String) -> Cell {
        registry.counter("weir_otlp_refused_points_total", "Points in requests that were refused for good, by reason.", [("reason", reason)])
    }

    func lost(_ loss: Ledger.Loss) -> Cell {
        registry.counter(
            "weir_otlp_lost_total", "What was counted and will reach no receiver, in the metric's unit.",
            [("metric", loss.metric), ("reason", loss.reason.rawValue)])
    }
}

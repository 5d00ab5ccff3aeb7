// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PrometheusExporter
internal import Synchronization
internal import WeirKit
internal import WeirTesting

/// A registry of its own for each test, as the host labels it for an instance.
func context(_ registry: MetricRegistry = MetricRegistry(), routes: HTTPRoutes = HTTPRoutes()) -> PluginContext {
    .testing("prometheus", metrics: registry, routes: routes)
}

func metric(
    named name: String = "weir.network.flow.bytes", help: String = "Layer-3 bytes.", unit: String = "By", _ attributes: [String],
    _ series: [(texts: [String], value: UInt64)], overflow: Int? = nil
) -> MetricSnapshot {
    MetricSnapshot(
        name: name, help: help, unit: unit, attributes: attributes, values: series.map(\.value), created: series.map { _ in 0 },
        texts: series.flatMap(\.texts), overflow: overflow)
}

/// What one scrape answers, and in how many pieces.
func scrape(_ snapshots: [MetricSnapshot], accept: String = "", registry: MetricRegistry = MetricRegistry()) async throws -> (
    page: String, chunks: [Int]
) {
    let exporter = PrometheusExporter(PrometheusOptions(), context(registry))
    let answer = exporter.answer(HTTPQuestion(path: "/metrics", accept: accept), SeriesReader { snapshots })
    let collected = Mutex<[[UInt8]]>([])
    try await answer.body { bytes in collected.withLock { $0.append(bytes) } }
    let chunks = collected.withLock { $0 }
    return (String(decoding: chunks.joined(), as: UTF8.self), chunks.map(\.count))
}

/// The lines of the users' series alone.
func series(_ page: String) -> [String] {
    page.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") && !$0.hasPrefix("weir_prometheus_") }
}

let openMetrics = "application/openmetrics-text"

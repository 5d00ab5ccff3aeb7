// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import PrometheusExporter
internal import Synchronization
internal import WeirKit
internal import YAMLSource

/// A registry of its own for each test, as the host labels it for an instance.
func context(_ registry: MetricRegistry = MetricRegistry(), routes: HTTPRoutes = HTTPRoutes()) -> PluginContext {
    PluginContext(
        instance: "prometheus", log: Logger(label: "test"), metrics: registry, routes: routes, hostName: "node-1", invalidate: { _ in })
}

/// Reads one item of `export:` as the host does; `plugin` is the host's key.
func readOptions<Options: PluginOptions>(_ yaml: String, _ type: Options.Type) -> (options: Options, problems: [String]) {
    let problems = ConfigProblems()
    var options = Options()
    if let node = YAMLSource.parse(Array(yaml.utf8), file: "weir.yaml", problems: problems),
        var section = ConfigSection(node, problems: problems, files: .none)
    {
        _ = section.take("plugin")
        options.read(&section)
        _ = section.finish()
    }
    return (options, problems.all.map { "\($0.position): \($0.message)" })
}

func metric(
    named name: String = "network.flow.bytes", help: String = "Layer-3 bytes.", unit: String = "By", _ attributes: [String],
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

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
public import WeirKit
internal import YAMLSource

extension PluginOptions {
    /// What one item of `enrich:` or `export:` decodes to, as the host reads it, and what is wrong with it, each as
    /// `weir.yaml:line:column: message`.
    public static func reading(_ yaml: String, files: ConfigFiles = .none) -> (options: Self, problems: [String]) {
        let problems = ConfigProblems()
        var options = Self()
        if let node = YAMLSource.parse(Array(yaml.utf8), file: "weir.yaml", problems: problems),
            var section = ConfigSection(node, problems: problems, files: files)
        {
            _ = section.take("plugin")  // the host's key
            options.read(&section)
            _ = section.finish()
        }
        return (options, problems.all.map { "\($0.position): \($0.message)" })
    }
}

extension PluginContext {
    /// A context of a test's own. What is invalidated goes to `invalidate`.
    public static func testing(
        _ instance: String, metrics: MetricRegistry = MetricRegistry(), routes: HTTPRoutes = HTTPRoutes(),
        environment: [String: String] = [:], wallClock: @escaping @Sendable () -> UInt64 = { 0 },
        resource: ResourceFacts = ResourceFacts(), invalidate: @escaping @Sendable (EndpointSelection) -> Void = { _ in }
    ) -> PluginContext {
        PluginContext(
            instance: instance, log: Logger(label: "test"), metrics: metrics, routes: routes, hostName: "node-1", version: "0.0.0",
            environment: environment, wallClock: wallClock, resource: resource, invalidate: invalidate)
    }
}

extension RecordBatch {
    /// Rows of texts for a record exporter; nil is absent. A column whose every value is a number holds numbers.
    public static func testing(
        _ attributes: [SelectedAttribute], _ rows: [(values: [String?], bytes: UInt64, packets: UInt64)], window: Range<UInt64>
    ) -> RecordBatch {
        var texts: [String] = []
        let columns = attributes.indices.map { column in
            let values = rows.map(\.values[column])
            let numbers = values.compactMap { $0.flatMap(UInt32.init) }
            if numbers.count == rows.count { return Column.numbers(numbers) }
            return .texts(
                values.map { value in
                    guard let value else { return 0 }
                    texts.append(value)
                    return UInt32(texts.count)
                })
        }
        return RecordBatch(
            attributes: attributes, columns: columns, texts: texts, bytes: rows.map(\.bytes), packets: rows.map(\.packets), window: window)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import JSONLinesExporter
internal import Logging
internal import WeirKit
internal import YAMLSource

/// A registry of its own for each test.
func context(_ registry: MetricRegistry = MetricRegistry()) -> PluginContext {
    PluginContext(
        instance: "json_lines", log: Logger(label: "test"), metrics: registry, routes: HTTPRoutes(), hostName: "node-1", invalidate: { _ in })
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

/// 2026-01-02T03:04:05.678Z, in nanoseconds since 1970.
let moment: UInt64 = 1_767_323_045_678_000_000

/// Rows of texts; nil is absent. The column of an attribute whose every value is a number holds numbers.
func batch(_ attributes: [SelectedAttribute], _ rows: [(values: [String?], bytes: UInt64, packets: UInt64)]) -> RecordBatch {
    var texts: [String] = []
    // By bytes: for `String`, texts that Unicode calls equivalent are one.
    var places: [[UInt8]: UInt32] = [:]
    let columns = attributes.indices.map { column in
        let values = rows.map(\.values[column])
        let numbers = values.compactMap { $0.flatMap(UInt32.init) }
        if numbers.count == rows.count { return RecordBatch.Column.numbers(numbers) }
        return .texts(
            values.map { value in
                guard let value else { return 0 }
                if let known = places[Array(value.utf8)] { return known }
                texts.append(value)
                places[Array(value.utf8)] = UInt32(texts.count)
                return UInt32(texts.count)
            })
    }
    return RecordBatch(
        attributes: attributes, columns: columns, texts: texts, bytes: rows.map(\.bytes), packets: rows.map(\.packets),
        window: moment - 5_000_000_000..<moment)
}

/// A batch of one record, and its line.
func record(_ name: String) -> (batch: RecordBatch, line: String) {
    (
        batch([SelectedAttribute(.ownerName, .source)], [([name], 1, 1)]),
        "{\"time\":\"2026-01-02T03:04:05.678Z\",\"src.owner.name\":\"\(name)\",\"bytes\":1,\"packets\":1}\n"
    )
}

/// A folder that goes away with the test.
struct TemporaryFolder: ~Copyable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "weir-json-lines-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path }
    func text(_ name: String) throws -> String { String(decoding: try Data(contentsOf: url.appending(path: name)), as: UTF8.self) }
    func write(_ text: String, to name: String) throws { try Data(text.utf8).write(to: url.appending(path: name)) }
}

func exporter(_ path: String, _ registry: MetricRegistry = MetricRegistry(), calls: FileCalls = .system) -> JSONLinesExporter {
    var options = JSONLinesOptions()
    options.path = path
    return JSONLinesExporter(options, context(registry), calls: calls)
}

extension MetricRegistry {
    func value(_ name: String) -> UInt64? { read().first { $0.name == name }?.cells.first?.cell.current }
}

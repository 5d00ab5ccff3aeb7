// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import JSONLinesExporter
internal import WeirKit
internal import WeirTesting

/// A registry of its own for each test.
func context(_ registry: MetricRegistry = MetricRegistry()) -> PluginContext { .testing("json_lines", metrics: registry) }

/// 2026-01-02T03:04:05.678Z, in nanoseconds since 1970.
let moment: UInt64 = 1_767_323_045_678_000_000

/// Rows of texts in the window of five seconds that ends at `moment`.
func batch(_ attributes: [SelectedAttribute], _ rows: [(values: [String?], bytes: UInt64, packets: UInt64)]) -> RecordBatch {
    .testing(attributes, rows, window: moment - 5_000_000_000..<moment)
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
    /// Names in the order of their bytes.
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
    func write(_ text: String, to name: String) throws { try Data(text.utf8).write(to: url.appending(path: name)) }
}

func exporter(
    _ path: String, _ registry: MetricRegistry = MetricRegistry(), rotate: RotateOptions? = nil,
    interval: Duration = .seconds(60), calls: FileCalls = .system, clock: @escaping @Sendable () -> UInt64 = { moment }
) -> JSONLinesExporter {
    var options = JSONLinesOptions()
    options.path = path
    options.rotate = rotate
    options.interval = interval
    return JSONLinesExporter(options, .testing("json_lines", metrics: registry, wallClock: clock), calls: calls)
}

func rotating(size: Int? = nil, age: Duration? = nil, keep: Int = 1000) -> RotateOptions {
    var options = RotateOptions()
    options.size = size.map { ByteCount($0) }
    options.age = age
    options.keep = keep
    return options
}

extension MetricRegistry {
    /// The sum over the cells of this name that carry `reason`, or over all of them.
    func value(_ name: String, reason: String? = nil) -> UInt64? {
        read().first { $0.name == name }?.cells.filter { cell in reason == nil || cell.labels.contains { $0.value == reason } }
            .reduce(0) { $0 + $1.cell.current }
    }
}

/// Waits for what another task brings about.
func wait(for what: String, until isTrue: () throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(20)
    while try !isTrue() {
        guard ContinuousClock.now < end else { throw WaitedInVain(what: what) }
        try await Task.sleep(for: .milliseconds(5))
    }
}

struct WaitedInVain: Error { let what: String }

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import JSONLinesExporter
internal import Synchronization
internal import Testing
internal import WeirKit
internal import WeirTesting

@Suite("json_lines: metrics")
struct MetricTests {
    @Test("a series is its metric, its start, its attributes, and what it counted in all and since the line before")
    func golden() {
        let snapshot = MetricSnapshot(
            name: "weir.payments.egress", help: "", unit: "By", attributes: ["src.zone", "dst.port"], isNumber: [false, true],
            values: [1357, 5, 7, 9], created: [moment, moment, moment, moment + 1_000_000], numbers: [4, 5, 6, 7], carried: [0, 0, 2, 0],
            texts: ["eu-1\"a", "443", "", "(other)", "", "", "", ""], overflow: 3)
        let lines = MetricLines(snapshot, at: moment + 60_000_000_000, since: [4: 1234])
        var bytes: [UInt8] = []
        for series in snapshot.values.indices { lines.append(series, to: &bytes) }
        let start = #"{"time":"2026-01-02T03:05:05.678Z","metric":"weir.payments.egress","unit":"By","start":"2026-01-02T03:04:05."#
        #expect(
            String(decoding: bytes, as: UTF8.self) == start + #"678Z","src.zone":"eu-1\"a","dst.port":443,"value":1357,"delta":123}"# + "\n"
                + start + #"678Z","dst.port":"(other)","value":5,"delta":5}"# + "\n" + start + #"678Z","value":7,"delta":5}"# + "\n"
                + start + #"679Z","otel.metric.overflow":true,"value":9,"delta":9}"# + "\n")
    }

    @Test("law: the differences in all lines and what is lost are what was counted, whatever expires and whatever cannot be written")
    func law() {
        let first = SplitMix64.freshSeed
        for round in 0..<200 {
            let seed = first &+ UInt64(round)
            var random = SplitMix64(seed: seed)
            var series = FakeSeries()
            for _ in 0..<10 { series.count("before\(Int.random(in: 0..<5, using: &random))", .random(in: 0..<100, using: &random)) }
            series.reload()
            let before = series.counted
            var written = WrittenSeries()
            written.begin([series.snapshot])
            var said: UInt64 = 0
            var lost: UInt64 = 0
            let last = 30
            for reading in 0...last {
                for _ in 0..<Int.random(in: 0..<20, using: &random) {
                    series.count("s\(Int.random(in: 0..<15, using: &random))", .random(in: 0..<1000, using: &random))
                }
                for text in series.texts where Int.random(in: 0..<8, using: &random) == 0 { series.expire(text) }
                let snapshot = series.snapshot
                let count = Bool.random(using: &random) ? snapshot.values.count : Int.random(in: 0...snapshot.values.count, using: &random)
                let known = written.values(of: snapshot.name)
                for index in 0..<count { said += snapshot.values[index] - (known[snapshot.numbers[index]] ?? snapshot.carried[index]) }
                lost += written.take(snapshot, first: count, isLast: reading == last).reduce(0) { $0 + $1.amount }
            }
            #expect(before + said + lost == series.counted, "seed \(seed)")
        }
    }

    @Test("series are written at the interval and once more at the end; then nothing, whoever runs it")
    func run() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        let series = Mutex(FakeSeries())
        let reader = SeriesReader { series.withLock { [$0.snapshot] } }
        let exporter = exporter(folder.path("m.jsonl"), registry, interval: .milliseconds(30))
        series.withLock { $0.count("a", 5) }
        let running = Task { try await exporter.run(reader) }
        try await wait(for: "two readings") { registry.value("weir_json_lines_readings_total") ?? 0 >= 2 }
        running.cancel()
        _ = await running.result
        series.withLock { $0.count("a", 7) }
        await exporter.finish(reader)
        try await exporter.run(reader)
        let lines = try folder.text("m.jsonl").split(separator: "\n")
        #expect(UInt64(lines.count) == registry.value("weir_json_lines_readings_total"))
        #expect(lines.first?.hasSuffix(#""series":"a","value":5,"delta":5}"#) == true)
        #expect(lines.dropFirst().dropLast().allSatisfy { $0.hasSuffix(#""value":5,"delta":0}"#) })
        #expect(lines.last?.hasSuffix(#""series":"a","value":12,"delta":7}"#) == true)
        #expect(!exporter.servesPage)
    }

    @Test("records and metrics in one file: each line whole, whoever waits for the disk")
    func both() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        let series = Mutex(FakeSeries())
        for number in 0..<50 { series.withLock { $0.count("s\(number)", 1) } }
        let reader = SeriesReader { series.withLock { [$0.snapshot] } }
        let chance = Chance(SplitMix64.freshSeed)
        let exporter = exporter(
            folder.path("f.jsonl"), registry, rotate: rotating(size: 3000), interval: .milliseconds(1), calls: .chaotic(chance))
        let running = Task { try await exporter.run(reader) }
        for number in 0..<200 {
            try await exporter.export(record("n\(number)").batch)
            if number % 20 == 0 { try await Task.sleep(for: .milliseconds(2)) }
        }
        try await wait(for: "readings") { registry.value("weir_json_lines_readings_total") ?? 0 >= 3 }
        running.cancel()
        _ = await running.result
        await exporter.finish()
        await exporter.finish(reader)
        let lines = try folder.names().flatMap { try folder.text($0).split(separator: "\n") }
        let records = lines.filter { !$0.contains("\"metric\":") }
        #expect(records.map { $0 + "\n" } == (0..<200).map { record("n\($0)").line })
        #expect(lines.allSatisfy { $0.hasPrefix("{\"time\":\"") && $0.hasSuffix("}") })
        let torn = Int(registry.value("weir_json_lines_torn_lines_total") ?? 0)
        // A reading that was cancelled may leave one line, which the last reading ends.
        #expect(torn <= 1)
        #expect(lines.count - records.count >= 150)
    }

    @Test("what a full disk does not take before the agent leaves is lost, and counted by metric")
    func lost() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        let series = Mutex(FakeSeries())
        let reader = SeriesReader { series.withLock { [$0.snapshot] } }
        let exporter = exporter(folder.path("f.jsonl"), registry, interval: .seconds(3600), calls: .failing(afterBytes: 250, recovers: false))
        let running = Task { try await exporter.run(reader) }
        // The first look comes first.
        try await Task.sleep(for: .milliseconds(50))
        for number in 0..<10 { series.withLock { $0.count("s\(number)", 100) } }
        running.cancel()
        _ = await running.result
        let finishing = Task { await exporter.finish(reader) }
        try await wait(for: "a failure") { registry.value("weir_json_lines_failures_total") ?? 0 > 0 }
        finishing.cancel()
        await finishing.value
        let whole = try folder.text("f.jsonl").split(separator: "\n", omittingEmptySubsequences: false).dropLast().count
        #expect(whole == 1)
        #expect(registry.value("weir_json_lines_lost_total", reason: "stop") == UInt64(1000 - 100 * whole))
    }
}

/// A metric whose series come, count and go.
private struct FakeSeries: Sendable {
    private var live: [(text: String, number: UInt64, value: UInt64, carried: UInt64)] = []
    private var nextNumber: UInt64 = 0
    private var expired: UInt64 = 0
    /// Everything that was ever counted.
    private(set) var counted: UInt64 = 0

    mutating func count(_ text: String, _ amount: UInt64) {
        counted += amount
        if let index = live.firstIndex(where: { $0.text == text }) { return live[index].value += amount }
        live.append((text, nextNumber, amount, 0))
        nextNumber += 1
    }

    mutating func expire(_ text: String) {
        if let index = live.firstIndex(where: { $0.text == text }) { expired += live.remove(at: index).value }
    }

    /// What is there comes from before.
    mutating func reload() { for index in live.indices { live[index].carried = live[index].value } }

    var texts: [String] { live.map(\.text) }

    var snapshot: MetricSnapshot {
        MetricSnapshot(
            name: "weir.test", help: "", unit: "By", attributes: ["series"], values: live.map(\.value), created: live.map { _ in moment },
            numbers: live.map(\.number), carried: live.map(\.carried), expired: expired, texts: live.map(\.text), overflow: nil)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import CountingMalloc
internal import Gzip
internal import OTLPExporter
internal import OTLPMessages
internal import WeirKit
internal import WeirPipeline
internal import WeirTesting

/// What the `otlp` exporter costs per interval: series of a running pipeline, read, booked, made into requests and packed. The
/// network's part is not in it.
struct OTLPSection: Section {
    let name = "otlp"
    let abstract = "series → copy → book → requests → gzip; one core, from memory, CPU time"

    func run(_ setting: Setting, note: (Figure) -> Void) throws {
        for count in setting.isQuick ? [100_000] : [2000, 100_000] { try export(count, setting, note) }
    }

    private func export(_ count: Int, _ setting: Setting, _ note: (Figure) -> Void) throws {
        let traffic = Traffic(TrafficSizes(flows: 1, endpoints: 1000, series: count, prefixes: 1000))
        var run = PipelineRun(traffic)
        run.window(traffic.everySeries().span)
        let reader = run.fixture.series.reader()
        let name = "\(Report.number(Double(count))) series"
        let resource = ResourceBytes(OTLPResource(), OTLPInstrumentationScope())
        let before = counting_malloc_bytes()
        var ledger = Ledger(temporality: .cumulative, limits: BatchLimits(), maxGone: 10_000)
        var now: UInt64 = 1_800_000_000_000_000_000
        var messages: [[UInt8]] = []

        var takes: [Double] = []
        var encodings: [Double] = []
        var largest = 0
        for _ in 0..<setting.runs {
            now += 60_000_000_000
            takes.append(CPUTime.spent { _ = ledger.take(reader.read(bornAtZero: false).map { Reading($0) }, at: now) } * 1e3)
            messages = []
            var points = 0
            encodings.append(
                CPUTime.spent {
                    while let batch = ledger.next(resource) {
                        points += batch.count
                        messages.append(batch.message)
                        ledger.settle(batch)
                    }
                } * 1e3)
            guard points >= count else { throw TooFewPoints(expected: count, found: points) }
            largest = messages.reduce(0) { max($0, $1.count) }
        }
        note(Figure("\(name) · read and book", "ms", takes))
        note(Figure("\(name) · make requests", "ms", encodings, target: count == 100_000 ? .atMost(400) : nil))
        note(Figure("\(name) · largest request", "bytes", [Double(largest)], target: .atMost(2_097_152)))
        let bytes = messages.reduce(0) { $0 + $1.count }
        note(Figure("\(name) · all requests", "bytes", [Double(bytes)]))
        messages.removeAll(where: { _ in setting.isQuick })
        note(
            Figure(
                "\(name) · what the book holds between two readings", "bytes",
                [Double(counting_malloc_bytes() - before - messages.reduce(0) { $0 + $1.count })]))
        for level in setting.isQuick ? [] : [Int32(1), 4, 6, 9] {
            var packed = 0
            let spent = try CPUTime.spent { packed = try messages.reduce(0) { try $0 + Gzip.packed($1, level: level).count } }
            note(Figure("\(name) · gzip level \(level)", "ms", [spent * 1e3]))
            note(Figure("\(name) · gzip level \(level), packed to", "% of the bytes", [Double(packed) * 100 / Double(bytes)]))
        }
    }

    private struct TooFewPoints: Error, CustomStringConvertible {
        let expected: Int
        let found: Int
        var description: String { "could not measure requests: they have \(found) points instead of \(expected) or more" }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import CountingMalloc
internal import PrometheusExporter
private import Synchronization
internal import WeirKit
internal import WeirPipeline
internal import WeirTesting

/// What a scrape costs: series of a running pipeline, formatted by the `prometheus` exporter, piece by piece, into nothing.
struct ScrapeSection: Section {
    let name = "scrape"
    let abstract = "series → copy → Prometheus text in pieces; one core, from memory, CPU time"

    func run(_ setting: Setting, note: (Figure) -> Void) throws {
        for count in setting.isQuick ? [100_000] : [1000, 10_000, 100_000] { try scrape(count, setting, note) }
    }

    private func scrape(_ count: Int, _ setting: Setting, _ note: (Figure) -> Void) throws {
        let traffic = Traffic(TrafficSizes(flows: 1, endpoints: 1000, series: count, prefixes: 1000))
        var run = PipelineRun(traffic)
        run.window(traffic.everySeries().span)
        let reader = run.fixture.series.reader(final: true)
        let exporter = PrometheusExporter(PrometheusOptions(), .testing("prometheus", metrics: run.fixture.registry))
        let answer = exporter.answer(HTTPQuestion(path: "/metrics", accept: ""), reader)
        let name = "\(Report.number(Double(count))) series"

        var scrapes: [Double] = []
        let page = Shared(Page())
        for _ in 0..<setting.runs {
            page.state.withLock { $0 = Page() }
            let seconds = try CPUTime.spentByAll {
                try waiting { try await answer.body { bytes in page.state.withLock { $0.take(bytes) } } }
            }
            scrapes.append(seconds * 1e3)
        }
        let found = page.state.withLock { $0 }
        guard found.lines >= count else { throw WrongPage(expected: count, found: found.lines) }
        note(Figure("\(name) · scrape", "ms", scrapes, target: count == 100_000 ? .atMost(150) : nil))
        // A piece is 32 KiB and the line that filled it; a page made whole would be megabytes.
        note(Figure("\(name) · largest piece of the page", "bytes", [Double(found.largest)], target: .atMost(40_000)))
        if setting.isQuick { return }

        let copies = setting.times { precondition(reader.read().reduce(0) { $0 + $1.values.count } == count, "the copy lacks series") }
        note(Figure("\(name) · of that, the copy", "ms", copies.map { $0 * 1e3 }))
        note(Figure("\(name) · page", "bytes", [Double(found.bytes)]))
        note(Figure("\(name) · additional memory at its peak", "bytes", [Double(try peak(answer))]))
    }

    /// Bytes that are allocated at most while the page is written, beyond those before. Not timed: the allocator counts slowly.
    private func peak(_ answer: HTTPAnswer) throws -> Int {
        let before = counting_malloc_bytes()
        let most = Shared(before)
        try waiting {
            try await answer.body { _ in
                let now = counting_malloc_bytes()
                most.state.withLock { $0 = max($0, now) }
            }
        }
        return most.state.withLock { $0 } - before
    }

    fileprivate struct Page {
        var bytes = 0
        var lines = 0
        var largest = 0

        mutating func take(_ piece: [UInt8]) {
            bytes += piece.count
            largest = max(largest, piece.count)
            lines += piece.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
        }
    }

    private struct WrongPage: Error, CustomStringConvertible {
        let expected: Int
        let found: Int
        var description: String { "could not measure scrapes: the page has \(found) lines instead of \(expected) or more" }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import OTLPExporter
internal import OTLPMessages
internal import SwiftProtobuf
internal import Testing
internal import WeirKit
internal import WeirTesting

@Suite("otlp: ledger")
struct LedgerTests {
    static let resource = ResourceBytes(OTLPResource(), OTLPInstrumentationScope())

    @Test(
        "what arrives is what was counted, less what is lost and counted and what waits, whatever the receiver does",
        arguments: [Temporality.cumulative, .delta])
    func balance(_ temporality: Temporality) {
        let first = SplitMix64.freshSeed
        for round in 0..<60 {
            let seed = first &+ UInt64(round)
            // Whether the agent always learns what the receiver took.
            let isHonest = round % 2 == 0
            var random = SplitMix64(seed: seed)
            let limits = BatchLimits(points: .random(in: 1...20, using: &random), bytes: [1, 500, 1 << 20].randomElement(using: &random) ?? 0)
            var ledger = Ledger(temporality: temporality, limits: limits, maxGone: .random(in: 0...30, using: &random))
            var metrics = [FakeSeries("one"), FakeSeries("two")]
            var collected = Collected()
            var lost: UInt64 = 0
            var now: UInt64 = 1_700_000_000_000_000_000
            /// A request whose fate is open.
            var waiting: Batch?
            func note(_ losses: [Ledger.Loss]) { lost += losses.reduce(0) { $0 + $1.amount } }
            /// As the exporter reads: a cumulative request that the receiver has not taken so far gives way to the reading.
            func read() {
                note(ledger.take(metrics.map { Reading($0.snapshot) }, at: now))
                if temporality == .cumulative, let batch = waiting, !batch.isOfGone { waiting = nil }
            }
            read()
            for _ in 0..<120 {
                for _ in 0..<Int.random(in: 0...30, using: &random) {
                    let index = Int.random(in: 0...1, using: &random)
                    metrics[index].count("z\(Int.random(in: 0...25, using: &random))", .random(in: 1...1000, using: &random), at: now)
                }
                now += .random(in: 1000...5_000_000_000, using: &random)
                // A reload: the book goes on, with what was read last of the counters before.
                if Int.random(in: 0...9, using: &random) == 0 {
                    read()
                    // What a cumulative series had under its own name stays with the receiver.
                    let folds = temporality == .delta && Bool.random(using: &random)
                    for index in metrics.indices { metrics[index].reload(folding: folds) }
                    ledger.goOn(limits, maxGone: .random(in: 0...30, using: &random))
                }
                // Sometimes a series goes that no reading has seen.
                if Int.random(in: 0...3, using: &random) > 0 { read() }
                for index in metrics.indices where Int.random(in: 0...3, using: &random) == 0 {
                    for text in metrics[index].texts where Int.random(in: 0...3, using: &random) == 0 { metrics[index].expire(text) }
                }
                for _ in 0..<Int.random(in: 0...6, using: &random) {
                    guard let batch = waiting ?? ledger.next(Self.resource) else { break }
                    waiting = nil
                    switch Int.random(in: 0...9, using: &random) {
                    case 0...5:
                        collected.take(batch.message)
                        ledger.settle(batch)
                    case 6: note(ledger.drop(batch, .refused))
                    // Taken, and nobody knows: the same bytes come again.
                    case 7 where !isHonest:
                        collected.take(batch.message)
                        waiting = batch
                    default: waiting = batch
                    }
                }
            }
            read()
            if Bool.random(using: &random) {
                while let batch = waiting ?? ledger.next(Self.resource) {
                    waiting = nil
                    collected.take(batch.message)
                    ledger.settle(batch)
                }
                #expect(ledger.unsent == 0, "seed \(seed)")
            }
            if let batch = waiting { note(ledger.drop(batch, .stop)) }
            note(ledger.abandon())
            let counted = metrics.reduce(0) { $0 + $1.counted }
            let arrived = collected.sum("one") + collected.sum("two")
            // What was taken by a receiver that did not say so may count as lost as well: that an answer is missing proves nothing.
            #expect(isHonest ? arrived + lost == counted : arrived + lost >= counted && arrived <= counted, "seed \(seed)")
            #expect(collected.faults.isEmpty, "seed \(seed): \(collected.faults.prefix(3))")
        }
    }
}

extension LedgerTests {
    @Test("after a reload differences begin with what was not there before, and cumulative points go on from where they began")
    func reload() {
        var series = FakeSeries("one")
        series.count("a", 100, at: 1000)
        series.reload()
        series.count("a", 7, at: 2000)
        series.count("b", 5, at: 3000)
        for (temporality, expected) in [(Temporality.delta, ["7", "5"]), (.cumulative, ["107", "5"])] {
            var ledger = Ledger(temporality: temporality, limits: BatchLimits(), maxGone: 10)
            #expect(ledger.take([Reading(series.snapshot)], at: 10_000).isEmpty)
            var collected = Collected()
            if let batch = ledger.next(Self.resource) { collected.take(batch.message) }
            #expect(collected.points.map { "\(Int($0.value))" } == expected)
            #expect(collected.points.map(\.start) == [temporality == .delta ? 10_000 : 1000, 3001])
            #expect(collected.points.map(\.time) == [10_000, 10_000])
        }
    }

    @Test(
        "a metric that a reload takes away, or makes by other attributes, says its last and then nothing",
        arguments: Temporality.allCases, [nil, ["dst.zone", "dst.port"], ["src.zone", "dst.port"]] as [[String]?])
    func ended(_ temporality: Temporality, _ attributes: [String]?) {
        var series = FakeSeries("one")
        var ledger = Ledger(temporality: temporality, limits: BatchLimits(), maxGone: 10)
        var collected = Collected()
        func send(_ snapshots: [MetricSnapshot], at now: UInt64) {
            _ = ledger.take(snapshots.map { Reading($0) }, at: now)
            while let batch = ledger.next(Self.resource) {
                collected.take(batch.message)
                ledger.settle(batch)
            }
        }
        series.count("a", 10, at: 100)
        send([series.snapshot], at: 1000)
        series.count("a", 5, at: 1500)
        _ = ledger.take([Reading(series.snapshot)], at: 2000)
        ledger.goOn(BatchLimits(), maxGone: 10)
        series.bury()
        if attributes != nil { series.count("b", 3, at: 2500) }
        for now in [3000, 4000] as [UInt64] { send(attributes.map { [series.snapshot($0)] } ?? [], at: now) }
        #expect(ledger.unsent == 0 && collected.faults == [])
        #expect(collected.sum("one") == series.counted)
        let last = collected.points.filter { $0.stream.attributes == ["dst.port=443", "src.zone=a"] }
        #expect(last.map(\.time) == [1000, 2000] && last.map(\.value) == (temporality == .delta ? [10, 5] : [10, 15]))
        let next = collected.points.filter { $0.value == 3 }
        #expect(next.allSatisfy { $0.stream.attributes == ["\(attributes?[0] ?? "")=b", "dst.port=443"].sorted() })
        #expect(next.isEmpty == (attributes == nil))
    }

    @Test("a difference begins where the one before ended, and a series that came back has a start of its own")
    func starts() {
        var series = FakeSeries("one")
        var ledger = Ledger(temporality: .delta, limits: BatchLimits(), maxGone: 10)
        var collected = Collected()
        func send(at now: UInt64) {
            _ = ledger.take([Reading(series.snapshot)], at: now)
            while let batch = ledger.next(Self.resource) { collected.take(batch.message) }
        }
        series.count("a", 10, at: 100)
        send(at: 1000)
        series.count("a", 10, at: 1500)
        send(at: 2000)
        send(at: 3000)
        series.count("a", 10, at: 3500)
        send(at: 4000)
        series.expire("a")
        series.count("a", 1, at: 4500)
        send(at: 5000)
        #expect(collected.points.map(\.start) == [100, 1000, 2000, 4501])
        #expect(collected.points.map(\.time) == [1000, 2000, 4000, 5000])
        #expect(collected.points.map(\.value) == [10, 10, 10, 1])
        #expect(collected.faults.isEmpty)
    }

    @Test("a clock that is set back a little is waited for, one that is set back far is believed", arguments: Temporality.allCases)
    func clock(_ temporality: Temporality) {
        let hour: UInt64 = 3600 * 1_000_000_000
        var series = FakeSeries("one")
        var ledger = Ledger(temporality: temporality, limits: BatchLimits(), maxGone: 10)
        var collected = Collected()
        func send(at now: UInt64) {
            series.count("a", 10, at: now)
            _ = ledger.take([Reading(series.snapshot)], at: now)
            while let batch = ledger.next(Self.resource) {
                collected.take(batch.message)
                ledger.settle(batch)
            }
        }
        for now in [10 * hour, 10 * hour - 59_000_000_000, 4 * hour, 4 * hour + 10, 5 * hour] { send(at: now) }
        #expect(collected.points.map(\.time) == [10 * hour, 10 * hour + 1, 4 * hour, 4 * hour + 10, 5 * hour])
        // What began in what is the future now begins at the step, once: a start that moved on would be a new series with each point.
        #expect(Array(collected.points.map(\.start).prefix(3)) == [10 * hour, 10 * hour, 4 * hour])
        #expect(
            Array(collected.points.map(\.start).suffix(2)) == (temporality == .delta ? [4 * hour, 4 * hour + 10] : [4 * hour, 4 * hour]))
        #expect(collected.points.allSatisfy { $0.start <= $0.time })
    }

    @Test("a series that waits while the clock is set back far keeps the start that it got then")
    func waitsOverAStep() {
        let hour: UInt64 = 3600 * 1_000_000_000
        var series = FakeSeries("one")
        var ledger = Ledger(temporality: .delta, limits: BatchLimits(), maxGone: 10)
        series.count("a", 10, at: 10 * hour)
        for now in [10 * hour, 4 * hour, 4 * hour + 500] { _ = ledger.take([Reading(series.snapshot)], at: now) }
        var collected = Collected()
        while let batch = ledger.next(Self.resource) { collected.take(batch.message) }
        #expect(collected.points.map(\.start) == [4 * hour] && collected.points.map(\.time) == [4 * hour + 500])
    }

    @Test("no request has more points or bytes than allowed, and the points are all there")
    func limits() {
        var series = FakeSeries("one")
        for index in 0..<1000 { series.count("zone-\(index)", 1, at: 1) }
        for limits in [BatchLimits(points: 7, bytes: 1 << 20), BatchLimits(points: 10_000, bytes: 2000)] {
            var ledger = Ledger(temporality: .cumulative, limits: limits, maxGone: 0)
            _ = ledger.take([Reading(series.snapshot)], at: 2)
            var collected = Collected()
            var requests = 0
            while let batch = ledger.next(Self.resource) {
                requests += 1
                #expect(batch.count <= limits.points && batch.message.count <= limits.bytes)
                // Nearly full, but for the last: else the limit would be kept by sending crumbs.
                if requests < 1000 / 30 { #expect(batch.count == limits.points || batch.message.count > limits.bytes - 200) }
                collected.take(batch.message)
            }
            #expect(collected.points.count == 1000 && collected.sum("one") == 1000 && collected.faults.isEmpty)
        }
    }

    @Test("numbers are numbers, texts that are absent have no attribute, and the overflow series carries its mark as a boolean")
    func attributes() throws {
        let snapshot = MetricSnapshot(
            name: "network.flow.packets", help: "Packets.", unit: "{packet}", attributes: ["src.zone", "dst.port"], isNumber: [false, true],
            values: [1, 2, 3, 4], created: [5, 5, 5, 5], texts: ["a", "443", "", "80", "b", "(other)", "", ""], overflow: 3)
        var ledger = Ledger(temporality: .cumulative, limits: BatchLimits(), maxGone: 0)
        _ = ledger.take([Reading(snapshot)], at: 9)
        let next = ledger.next(Self.resource)
        let batch = try #require(next)
        let request = try OTLPExportMetricsServiceRequest(serializedBytes: batch.message)
        let metric = try #require(request.resourceMetrics.first?.scopeMetrics.first?.metrics.first)
        #expect(metric.name == "network.flow.packets" && metric.description_p == "Packets." && metric.unit == "{packet}")
        #expect(metric.sum.isMonotonic && metric.sum.aggregationTemporality == .cumulative)
        let attributes = metric.sum.dataPoints.map { point in point.attributes.map { ($0.key, $0.value.value) } }
        #expect(attributes[0].map(\.0) == ["src.zone", "dst.port"] && attributes[0].map(\.1) == [.stringValue("a"), .intValue(443)])
        #expect(attributes[1].map(\.0) == ["dst.port"] && attributes[1].map(\.1) == [.intValue(80)])
        #expect(attributes[2].map(\.1) == [.stringValue("b"), .stringValue("(other)")])
        #expect(attributes[3].map(\.0) == ["otel.metric.overflow"] && attributes[3].map(\.1) == [.boolValue(true)])
        #expect(metric.sum.dataPoints.map(\.asInt) == [1, 2, 3, 4])
        #expect(metric.sum.dataPoints.allSatisfy { $0.startTimeUnixNano == 5 && $0.timeUnixNano == 9 })
    }

    @Test("more gone series than may wait are lost, counted, and the oldest are kept")
    func tooManyGone() {
        var series = FakeSeries("one")
        var ledger = Ledger(temporality: .delta, limits: BatchLimits(), maxGone: 2)
        for index in 0..<5 {
            series.count("z\(index)", 1 << UInt64(index), at: UInt64(index))
            #expect(
                ledger.take([Reading(series.snapshot)], at: UInt64(100 + index * 2)).reduce(0) { $0 + $1.amount }
                    == (index < 3 ? 0 : 1 << UInt64(index - 1)))
            series.expire("z\(index)")
        }
        let losses = ledger.take([Reading(series.snapshot)], at: 200)
        #expect(losses.map(\.metric) == ["one"] && losses.map(\.reason) == [.gone] && losses.map(\.amount) == [16])
        var collected = Collected()
        while let batch = ledger.next(Self.resource) { collected.take(batch.message) }
        #expect(collected.sum("one") == 3)
    }
}

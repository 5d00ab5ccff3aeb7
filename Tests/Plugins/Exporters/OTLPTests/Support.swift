// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Gzip
internal import OTLPExporter
internal import OTLPMessages
internal import SwiftProtobuf
internal import Synchronization
internal import WeirKit
internal import WeirTesting

/// What a receiver makes of the points it took: the same sums, whichever way they came.
struct Collected: Sendable {
    struct Stream: Hashable, Sendable {
        let metric: String
        /// `name=value`, sorted.
        let attributes: [String]
        let start: UInt64
    }

    /// Cumulative: the last value of each stream. Delta: the sum, with `start` 0.
    private(set) var values: [Stream: UInt64] = [:]
    private(set) var points: [(stream: Stream, start: UInt64, time: UInt64, value: Double)] = []
    private(set) var requests: [OTLPExportMetricsServiceRequest] = []
    /// What no exporter may send.
    private(set) var faults: [String] = []
    private var lastTime: [Stream: UInt64] = [:]
    /// Delta: what was taken twice, by resource of a retry, counts once.
    private var seen: Set<[String]> = []

    mutating func take(_ message: [UInt8]) {
        do {
            take(try OTLPExportMetricsServiceRequest(serializedBytes: message))
        } catch {
            faults.append("no message: \(error)")
        }
    }

    mutating func take(_ request: OTLPExportMetricsServiceRequest) {
        requests.append(request)
        for resource in request.resourceMetrics {
            for scope in resource.scopeMetrics {
                var names: Set<String> = []
                for metric in scope.metrics {
                    if !names.insert(metric.name).inserted { faults.append("\(metric.name) stands twice in one request") }
                    switch metric.data {
                    case .sum(let sum):
                        if !sum.isMonotonic { faults.append("\(metric.name) is not monotonic") }
                        for point in sum.dataPoints { take(point, metric.name, sum.aggregationTemporality) }
                    case .gauge(let gauge): for point in gauge.dataPoints { take(point, metric.name, .unspecified) }
                    case nil: faults.append("\(metric.name) has no data")
                    }
                }
            }
        }
    }

    private mutating func take(_ point: OTLPNumberDataPoint, _ metric: String, _ temporality: OTLPAggregationTemporality) {
        let attributes = point.attributes.map { "\($0.key)=\($0.value.text)" }.sorted()
        if Set(point.attributes.map(\.key)).count != attributes.count { faults.append("\(metric): an attribute stands twice") }
        let amount = point.asDouble != 0 ? point.asDouble : Double(point.asInt)
        let isDelta = temporality == .delta
        let stream = Stream(metric: metric, attributes: attributes, start: isDelta || temporality == .unspecified ? 0 : point.startTimeUnixNano)
        points.append((stream, point.startTimeUnixNano, point.timeUnixNano, amount))
        if temporality == .unspecified { return values[stream] = UInt64(amount) }
        if point.startTimeUnixNano > point.timeUnixNano { faults.append("\(metric): a point begins after its end") }
        if isDelta {
            guard seen.insert(["\(point.startTimeUnixNano)", "\(point.timeUnixNano)", metric] + attributes).inserted else { return }
            if point.asInt <= 0, point.asDouble == 0 { faults.append("\(metric): a difference of nothing") }
            if let last = lastTime[stream], point.startTimeUnixNano < last { faults.append("\(metric): intervals overlap: \(attributes)") }
            lastTime[stream] = point.timeUnixNano
            values[stream, default: 0] += UInt64(amount)
        } else {
            if UInt64(amount) < values[stream] ?? 0 { faults.append("\(metric): a counter went back: \(attributes)") }
            values[stream] = max(UInt64(amount), values[stream] ?? 0)
        }
    }

    /// Everything that arrived for a metric.
    func sum(_ metric: String) -> UInt64 { values.reduce(0) { $0 + ($1.key.metric == metric ? $1.value : 0) } }
}

extension OTLPAnyValue {
    var text: String {
        switch value {
        case .stringValue(let text): text
        case .boolValue(let bool): "\(bool)"
        case .intValue(let number): "\(number)"
        case .doubleValue(let number): "\(number)"
        case nil: ""
        }
    }
}

/// Counters that grow, come and go at random, as a pipeline's do.
struct FakeSeries: Sendable {
    private struct Series {
        var text: String
        var number: UInt64
        var value: UInt64
        var created: UInt64
        var carried: UInt64 = 0
    }

    let name: String
    private var live: [Series] = []
    private var nextNumber: UInt64 = 0
    private(set) var expired: UInt64 = 0
    /// Everything that was ever counted.
    private(set) var counted: UInt64 = 0

    init(_ name: String) { self.name = name }

    mutating func count(_ text: String, _ amount: UInt64, at now: UInt64) {
        counted += amount
        if let index = live.firstIndex(where: { $0.text == text }) {
            live[index].value += amount
        } else {
            live.append(Series(text: text, number: nextNumber, value: amount, created: now + nextNumber))
            nextNumber += 1
        }
    }

    mutating func expire(_ text: String) {
        guard let index = live.firstIndex(where: { $0.text == text }) else { return }
        expired += live.remove(at: index).value
    }

    /// What a reload does: what is there comes from before. With less room than before, the last series becomes part of the first.
    mutating func reload(folding: Bool = false) {
        if folding, live.count > 1 { live[0].value += live.removeLast().value }
        for index in live.indices { live[index].carried = live[index].value }
    }

    /// Another definition of the name: what was counted by the one before is gone.
    mutating func bury() { for text in texts { expire(text) } }

    var texts: [String] { live.map(\.text) }

    var snapshot: MetricSnapshot { snapshot(["src.zone", "dst.port"]) }

    func snapshot(_ attributes: [String]) -> MetricSnapshot {
        MetricSnapshot(
            name: name, help: "Bytes of a test.", unit: "By", attributes: attributes, isNumber: [false, true],
            values: live.map(\.value),
            created: live.map(\.created), numbers: live.map(\.number), carried: live.map(\.carried), expired: expired,
            texts: live.flatMap { [$0.text, "443"] }, overflow: nil)
    }
}

/// A counter of a registry, its label's value if there are several.
func counter(_ registry: MetricRegistry, _ name: String, _ label: String? = nil) -> UInt64 {
    let cells = registry.read().first { $0.name == name }?.cells ?? []
    return cells.filter { cell in label == nil || cell.labels.contains { $0.value == label } }.reduce(0) { $0 + $1.cell.current }
}

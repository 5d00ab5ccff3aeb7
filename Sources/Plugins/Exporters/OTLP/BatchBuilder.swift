// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import OTLPMessages
internal import SwiftProtobuf
internal import WeirKit

/// The parts of every request that stay the same, as bytes.
package struct ResourceBytes: Sendable, Equatable {
    /// `ResourceMetrics.resource` and `ScopeMetrics.scope`, tags included.
    let resource: [UInt8]
    let scope: [UInt8]

    package init(_ resource: OTLPResource, _ scope: OTLPInstrumentationScope) {
        var bytes = MessageBytes()
        bytes.append(field: 1, message: resource.encoded)
        self.resource = bytes.bytes
        bytes = MessageBytes()
        bytes.append(field: 1, message: scope.encoded)
        self.scope = bytes.bytes
    }
}

/// Makes one request of points, within limits.
///
/// Points are encoded by the library one at a time, and framed here: the size is known before a point is added, and no point is
/// measured again for every message around it.
struct BatchBuilder {
    struct Point {
        let number: UInt64
        let texts: ArraySlice<String>
        let isOverflow: Bool
        /// What is sent, and what the series has counted by that.
        let value: UInt64
        let total: UInt64
        let since: UInt64
        let time: UInt64
        /// What is lost when nobody takes the point: nothing where a later one says as much and more.
        let atRisk: UInt64
        let isGone: Bool
    }

    private let resource: ResourceBytes
    private let limits: BatchLimits
    private(set) var count = 0
    /// Finished metrics, tags included.
    private var metrics = MessageBytes()
    private var parts: [Batch.Part] = []
    private var isOfGone = false

    // The metric that is open.
    private var reading: Reading?
    private var points = MessageBytes()
    private var names: [String] = []
    private var isNumber: [Bool] = []
    private var header = 0

    init(_ resource: ResourceBytes, _ limits: BatchLimits) {
        self.resource = resource
        self.limits = limits
        // What the request has around its metrics: three tags with lengths of at most five bytes.
        header = resource.resource.count + resource.scope.count + 18
    }

    mutating func open(_ reading: Reading, metric: Int, _ temporality: Temporality) {
        self.reading = reading
        names = reading.snapshot.attributes
        isNumber = reading.snapshot.isNumber
        parts.append(Batch.Part(metric: metric))
        points = MessageBytes()
        header += reading.snapshot.name.utf8.count + reading.snapshot.help.utf8.count + reading.snapshot.unit.utf8.count + 40
    }

    /// False when the point has no room in this batch.
    mutating func add(_ point: Point) -> Bool {
        guard let reading, count < limits.points else { return false }
        let bytes = message(point, reading).encoded
        guard count == 0 || header + metrics.bytes.count + points.bytes.count + bytes.count + 6 <= limits.bytes else { return false }
        points.append(field: 1, message: bytes)
        count += 1
        let last = parts.count - 1
        parts[last].totals.append((point.number, point.total))
        if reading.kind == .sum { parts[last].atRisk &+= point.atRisk }
        isOfGone = isOfGone || point.isGone
        return true
    }

    private func message(_ point: Point, _ reading: Reading) -> OTLPNumberDataPoint {
        var message = OTLPNumberDataPoint()
        message.startTimeUnixNano = reading.kind == .gauge ? 0 : point.since
        message.timeUnixNano = point.time
        if reading.isSeconds {
            message.asDouble = Double(point.value) / 1e9
        } else {
            message.asInt = Int64(clamping: point.value)
        }
        if point.isOverflow {
            var attribute = OTLPKeyValue()
            attribute.key = "otel.metric.overflow"
            attribute.value.boolValue = true
            message.attributes = [attribute]
            return message
        }
        message.attributes.reserveCapacity(names.count)
        for (column, text) in point.texts.enumerated() where !text.isEmpty {
            var attribute = OTLPKeyValue()
            attribute.key = names[column]
            if isNumber[column], let number = Int64(text) {
                attribute.value.intValue = number
            } else {
                attribute.value.stringValue = text
            }
            message.attributes.append(attribute)
        }
        return message
    }

    mutating func close(_ temporality: Temporality) {
        guard let reading else { return }
        self.reading = nil
        guard !points.bytes.isEmpty else {
            parts.removeLast()
            return
        }
        var data = points
        if reading.kind == .sum {
            data.append(field: 2, number: UInt64((temporality == .delta ? OTLPAggregationTemporality.delta : .cumulative).rawValue))
            data.append(field: 3, number: 1)
        }
        var metric = MessageBytes()
        metric.append(field: 1, text: reading.snapshot.name)
        metric.append(field: 2, text: reading.snapshot.help)
        metric.append(field: 3, text: reading.snapshot.unit)
        metric.append(field: reading.kind == .sum ? 7 : 5, message: data.bytes)
        metrics.append(field: 2, message: metric.bytes)
    }

    mutating func finish(_ temporality: Temporality) -> Batch {
        close(temporality)
        var resourceMetrics = MessageBytes()
        resourceMetrics.append(resource.resource)
        var scope = MessageBytes()
        scope.append(resource.scope)
        scope.append(metrics.bytes)
        resourceMetrics.append(field: 2, message: scope.bytes)
        var request = MessageBytes()
        request.append(field: 1, message: resourceMetrics.bytes)
        return Batch(message: request.bytes, count: count, parts: parts, isOfGone: isOfGone)
    }
}

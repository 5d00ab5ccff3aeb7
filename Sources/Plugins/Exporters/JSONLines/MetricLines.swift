// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
package import WeirKit

/// Makes the lines of one metric's reading:
/// `{"time":"…","metric":"weir.network.flow.bytes","unit":"By","start":"…","src.zone":"eu-1a","value":1357,"delta":123}`.
package struct MetricLines {
    private let snapshot: MetricSnapshot
    private let before: [UInt64: UInt64]
    /// Up to the start time.
    private let start: [UInt8]
    /// `,"src.zone":`, per attribute.
    private let keys: [[UInt8]]

    /// `before` is what lines said of each series before, by its number.
    package init(_ snapshot: MetricSnapshot, at time: UInt64, since before: [UInt64: UInt64]) {
        self.snapshot = snapshot
        self.before = before
        var start = Array("{\"time\":\"".utf8)
        RFC3339.append(nanoseconds: time, to: &start)
        start += "\",\"metric\":".utf8
        JSONText.append(snapshot.name, to: &start)
        start += ",\"unit\":".utf8
        JSONText.append(snapshot.unit, to: &start)
        start += ",\"start\":\"".utf8
        self.start = start
        keys = snapshot.attributes.map { name in
            var key = [UInt8(ascii: ",")]
            JSONText.append(name, to: &key)
            key.append(UInt8(ascii: ":"))
            return key
        }
    }

    /// Called once per series and reading.
    package func append(_ series: Int, to line: inout [UInt8]) {
        line += start
        RFC3339.append(nanoseconds: snapshot.created[series], to: &line)
        line.append(UInt8(ascii: "\""))
        if series == snapshot.overflow {
            line += ",\"otel.metric.overflow\":true".utf8
        } else {
            for column in keys.indices { append(snapshot.texts[series * keys.count + column], column, to: &line) }
        }
        line += ",\"value\":".utf8
        line.append(decimal: snapshot.values[series])
        line += ",\"delta\":".utf8
        line.append(decimal: snapshot.values[series] &- (before[snapshot.numbers[series]] ?? snapshot.carried[series]))
        line += "}\n".utf8
    }

    /// What is absent has no key.
    private func append(_ text: String, _ column: Int, to line: inout [UInt8]) {
        guard !text.isEmpty else { return }
        line += keys[column]
        if snapshot.isNumber[column], let number = UInt64(text) {
            line.append(decimal: number)
        } else {
            JSONText.append(text, to: &line)
        }
    }
}

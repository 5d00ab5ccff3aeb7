// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// The bytes of a page while they are made: formatted straight into an array, taken away chunk by chunk.
struct ExpositionPage {
    private let format: ExpositionFormat
    private let chunkBytes: Int
    private var bytes: [UInt8] = []

    init(_ format: ExpositionFormat, chunkBytes: Int) {
        self.format = format
        self.chunkBytes = chunkBytes
        reserve()
    }

    var isFull: Bool { bytes.count >= chunkBytes }

    /// What was made since the last call.
    mutating func take() -> [UInt8] {
        defer {
            bytes = []
            reserve()
        }
        return bytes
    }

    /// One line may come on top of a full chunk.
    private mutating func reserve() { bytes.reserveCapacity(chunkBytes + 4096) }

    // MARK: The users' series.

    mutating func open(_ family: SeriesFamily) {
        describe(family.name, sample: family.sampleName, help: family.snapshot.help, kind: .counter)
    }

    /// `weir_network_flow_bytes_total{src_zone="eu-west-1a"} 1357`: once per series and scrape, so no string is made.
    mutating func append(_ family: SeriesFamily, _ index: Int) {
        bytes += family.start
        if index == family.snapshot.overflow {
            bytes += family.overflowLabels
        } else {
            var separator = UInt8(ascii: "{")
            let first = index * family.labelStarts.count
            for column in family.labelStarts.indices {
                let text = family.snapshot.texts[first + column]
                if text.isEmpty { continue }
                bytes.append(separator)
                bytes += family.labelStarts[column]
                append(escaping: text, quotes: true)
                bytes.append(UInt8(ascii: "\""))
                separator = UInt8(ascii: ",")
            }
            if separator == UInt8(ascii: ",") { bytes.append(UInt8(ascii: "}")) }
        }
        end(family.snapshot.values[index])
    }

    // MARK: The agent's own.

    mutating func append(_ family: MetricRegistry.Family) {
        let base = family.kind == .counter && family.name.hasSuffix("_total") ? String(family.name.dropLast(6)) : family.name
        describe(base, sample: family.name, help: family.help, kind: family.kind)
        for (labels, cell) in family.cells {
            bytes += family.name.utf8
            var separator = UInt8(ascii: "{")
            for (label, value) in labels where !value.isEmpty {
                bytes.append(separator)
                bytes += label.utf8
                bytes += "=\"".utf8
                append(escaping: value, quotes: true)
                bytes.append(UInt8(ascii: "\""))
                separator = UInt8(ascii: ",")
            }
            if separator == UInt8(ascii: ",") { bytes.append(UInt8(ascii: "}")) }
            end(cell.current, family.scale)
        }
    }

    /// The last line; nothing may follow.
    mutating func close() {
        if format == .openMetrics { bytes += "# EOF\n".utf8 }
    }

    // MARK: Parts of lines.

    /// OpenMetrics describes the family, text the samples: `_total` is part of a counter's name only in the latter.
    private mutating func describe(_ family: String, sample: String, help: String, kind: MetricRegistry.Kind) {
        let name = format == .openMetrics ? family : sample
        bytes += "# HELP \(name) ".utf8
        append(escaping: help, quotes: format == .openMetrics)
        bytes += "\n# TYPE \(name) \(kind.rawValue)\n".utf8
        guard format == .openMetrics else { return }
        // A unit must be the last word of the family's name.
        for unit in ["bytes", "seconds"] where family.hasSuffix("_" + unit) { bytes += "# UNIT \(name) \(unit)\n".utf8 }
    }

    private mutating func end(_ value: UInt64, _ scale: MetricRegistry.Scale = .one) {
        bytes.append(UInt8(ascii: " "))
        switch scale {
        case .one: bytes.append(decimal: value)
        case .nanoseconds:
            let (seconds, rest) = value.quotientAndRemainder(dividingBy: 1_000_000_000)
            bytes.append(decimal: seconds)
            bytes.append(UInt8(ascii: "."))
            bytes += String(1_000_000_000 + rest).utf8.dropFirst()
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Appends in one move and looks for what must be escaped afterwards: it is nearly never there.
    private mutating func append(escaping text: String, quotes: Bool) {
        let start = bytes.count
        bytes += text.utf8
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\n") || (quotes && byte == UInt8(ascii: "\"")) { break }
            index += 1
        }
        guard index < bytes.count else { return }
        bytes.removeLast(bytes.count - start)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes += "\\\\".utf8
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case UInt8(ascii: "\"") where quotes: bytes += "\\\"".utf8
            default: bytes.append(byte)
            }
        }
    }
}

/// One metric of the users with everything that its lines share, as bytes.
struct SeriesFamily {
    let snapshot: MetricSnapshot
    /// Without `_total`.
    let name: String
    let start: [UInt8]
    /// `src_zone="`, per attribute.
    let labelStarts: [[UInt8]]
    /// OpenTelemetry's mark for "everything beyond the limit", alone.
    let overflowLabels = Array("{otel_metric_overflow=\"true\"}".utf8)

    init(_ snapshot: MetricSnapshot, named name: String) {
        self.snapshot = snapshot
        self.name = name
        start = Array("\(name)_total".utf8)
        labelStarts = PrometheusName.labels(snapshot.attributes).map { Array("\($0)=\"".utf8) }
    }

    var sampleName: String { name + "_total" }
}

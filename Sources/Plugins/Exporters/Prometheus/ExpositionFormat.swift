// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The two formats that Prometheus has always read, and how a scraper's `Accept` header chooses between them.
package enum ExpositionFormat: Sendable, CaseIterable {
    /// https://prometheus.io/docs/instrumenting/exposition_formats: version 0.0.4.
    case text
    /// OpenMetrics 1.0.
    case openMetrics

    package var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The format with the highest `q`; of equals the one named more exactly, then the one named first. A header that
    /// allows neither gets text: a page beats a refusal while somebody is looking for the fault.
    package static func preferred(byAccept header: String) -> ExpositionFormat {
        let ranges = header.split(separator: ",").enumerated().compactMap { AcceptedRange($1, position: $0) }
        var best: (format: ExpositionFormat, match: AcceptedRange)?
        for format in allCases {
            // RFC 9110 12.5.1: of the ranges that match, the most exact one says what the format is worth.
            let matches = ranges.filter { $0.allows(format) }
            guard let match = matches.max(by: { ($0.exactness, $0.quality) < ($1.exactness, $1.quality) }), match.quality > 0 else { continue }
            if best == nil || match.beats(best!.match) { best = (format, match) }
        }
        return best?.format ?? .text
    }

    fileprivate var type: (whole: String, wild: String) {
        self == .text ? ("text/plain", "text/*") : ("application/openmetrics-text", "application/*")
    }
    fileprivate var version: String { self == .text ? "0.0.4" : "1.0.0" }
}

/// One item of an `Accept` header: `text/plain;version=0.0.4;q=0.5`.
private struct AcceptedRange {
    let type: String
    let version: String?
    /// Thousandths, as `q` has three digits at the most.
    let quality: Int
    let position: Int

    /// Nil for what no reader could make sense of, which is then as if it was not there.
    init?(_ text: Substring, position: Int) {
        let parts = text.split(separator: ";").map { $0.trimmed.lowercased() }
        guard let type = parts.first, type.contains("/") else { return nil }
        var quality = 1000
        var version: String?
        for part in parts.dropFirst() {
            guard let equals = part.firstIndex(of: "=") else { continue }
            let value = part[part.index(after: equals)...].filter { $0 != "\"" }
            switch part[..<equals] {
            case "q":
                guard let found = Self.thousandths(value) else { return nil }
                quality = found
            case "version": version = value
            default: break
            }
        }
        self.type = type
        self.version = version
        self.quality = quality
        self.position = position
    }

    var exactness: Int { type == "*/*" ? 0 : type.hasSuffix("/*") ? 1 : 2 }

    func allows(_ format: ExpositionFormat) -> Bool {
        switch exactness {
        case 0: true
        case 1: type == format.type.wild
        default: type == format.type.whole && (version == nil || version == format.version)
        }
    }

    func beats(_ other: AcceptedRange) -> Bool {
        (quality, exactness, -position) > (other.quality, other.exactness, -other.position)
    }

    /// `1`, `0.5`, `0.125`, as thousandths.
    private static func thousandths(_ text: String) -> Int? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = parts.first, whole == "0" || whole == "1", parts.count <= 2 else { return nil }
        let digits = parts.count == 2 ? parts[1] : ""
        guard digits.utf8.count <= 3, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        let fraction = digits.utf8.reduce((0, 100)) { ($0.0 + Int($1 - UInt8(ascii: "0")) * $0.1, $0.1 / 10) }.0
        let all = (whole == "1" ? 1000 : 0) + fraction
        return all <= 1000 ? all : nil
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}

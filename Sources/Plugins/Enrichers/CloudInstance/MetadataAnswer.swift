// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
package import WeirKit

/// Reads the bodies of a metadata service's answers. They are strangers' bytes: what is not a value is refused.
package struct MetadataAnswer: Sendable {
    package var values: [CloudField: String] = [:]
    /// Texts that stand where a value should, and are none.
    package var refused = 0

    /// Nil when `body` is not of the format that `request` asks for at all.
    package init?(_ body: [UInt8], to request: MetadataRequest) {
        switch request.format {
        case .text:
            guard let source = request.sources.first else { return }
            take(Self.trimmed(body), source)
        case .json:
            guard let leaves = Self.leaves(body, request.sources.map(\.keys)) else { return nil }
            for source in request.sources where values[source.field] == nil {
                if let text = leaves[source.keys] { take(text, source) }
            }
        }
    }

    /// An empty text says that there is none.
    private mutating func take(_ text: String, _ source: MetadataRequest.Source) {
        if text.isEmpty { return }
        if let value = source.change.of(text), source.field.isPlausible(value) {
            values[source.field] = value
        } else {
            refused += 1
        }
    }

    /// The wanted leaves of a document; of a key that stands twice the first counts. Nil when it is no JSON.
    private static func leaves(_ body: [UInt8], _ wanted: [[String]]) -> [[String]: String]? {
        var reader = JSONReader(body)
        var found: [[String]: String] = [:]
        do throws(JSONReader.Problem) {
            try reader.leaves { (path, leaf) throws(JSONReader.Problem) in
                if found[path] == nil, wanted.contains(path) { found[path] = leaf.text }
            }
            try reader.end("expected the end of the document")
        } catch { return nil }
        return found
    }

    /// Without the blanks and newlines around it.
    private static func trimmed(_ body: some BidirectionalCollection<UInt8>) -> String {
        let inner = body.drop { $0 <= 0x20 }.reversed().drop { $0 <= 0x20 }.reversed()
        return String(decoding: Array(inner), as: UTF8.self)
    }

    /// The interfaces that a listing names, one hardware address a line, `/` at its end or not; what else stands there is none.
    package static func interfaces(_ body: [UInt8]) -> [String] {
        lines(body).compactMap { line in
            let name = line.hasSuffix("/") ? line.dropLast() : line[...]
            let isAddress = name.utf8.count == 17 && name.utf8.allSatisfy { $0 == UInt8(ascii: ":") || Self.isHexadecimal($0) }
            return isAddress ? String(name) : nil
        }
    }

    /// The ranges of a listing, one a line, and how many lines were none.
    package static func ranges(_ body: [UInt8]) -> (ranges: [CIDR], refused: Int) {
        let found = lines(body).map { CIDR($0) }
        let ranges = found.compactMap { $0 }
        // A range of everything would put the whole world into the own zone.
        let sane = ranges.filter { $0.prefixLength >= ($0.address.isIPv4 ? 8 : 32) }
        return (sane, found.count - sane.count)
    }

    private static func lines(_ body: [UInt8]) -> [String] {
        body.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }.map { trimmed($0) }.filter { !$0.isEmpty }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
        default: false
        }
    }
}

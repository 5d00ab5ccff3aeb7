// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A query as it stands in a file.
struct QuerySource: Sendable, Equatable {
    /// The query without the quoting of its file.
    var text: [UInt8]
    /// Where each byte of `text` stands in the file.
    var places: [Int]
    /// What a recording rule calls its result.
    var record: String?

    /// The place in the file of a byte of the query; for its end that behind its last byte.
    func place(of offset: Int) -> Int {
        if offset < places.count { return places[offset] }
        return places.last.map { $0 + 1 } ?? 0
    }

    /// What kind of file it is, by its name: queries alone, or rules and dashboards.
    enum Format: Sendable {
        case plain, yaml, json

        init(path: String, _ bytes: [UInt8]) {
            let first = bytes.first { !QuerySource.isBlank($0) }
            let endings = [".yaml", ".yml", ".json", ".rules"]
            guard endings.contains(where: { path.lowercased().hasSuffix($0) }) else {
                self = .plain
                return
            }
            self = first == UInt8(ascii: "{") || first == UInt8(ascii: "[") ? .json : .yaml
        }
    }

    static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    /// Keys whose values are queries: of rules, of panels and of a dashboard's variables.
    static let keys: Set<String> = ["expr", "query"]
}

/// Reads a text in quotes, and remembers where its bytes stood.
struct QuotedText {
    var text: [UInt8] = []
    var places: [Int] = []
    /// Behind the closing quote.
    var end = 0

    /// `start` is the place of the opening quote. Nil when the text does not end before `limit`. Escapes are JSON's, which are YAML's too.
    init?(_ bytes: [UInt8], at start: Int, before limit: Int) {
        let quote = bytes[start]
        var place = start + 1
        while place < limit {
            let byte = bytes[place]
            if byte == quote {
                if quote == UInt8(ascii: "'"), place + 1 < bytes.count, bytes[place + 1] == quote {
                    append(byte, place)
                    place += 2
                    continue
                }
                end = place + 1
                return
            }
            guard byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") else {
                append(byte, place)
                place += 1
                continue
            }
            guard place + 1 < limit else { return nil }
            place = escape(bytes, place)
        }
        return nil
    }

    private mutating func append(_ byte: UInt8, _ place: Int) {
        text.append(byte)
        places.append(place)
    }

    /// Returns the place behind the escape.
    private mutating func escape(_ bytes: [UInt8], _ place: Int) -> Int {
        switch bytes[place + 1] {
        case UInt8(ascii: "n"), UInt8(ascii: "\n"): append(UInt8(ascii: "\n"), place)
        case UInt8(ascii: "t"): append(0x09, place)
        case UInt8(ascii: "r"): append(0x0D, place)
        case UInt8(ascii: "b"): append(0x08, place)
        case UInt8(ascii: "f"): append(0x0C, place)
        case UInt8(ascii: "u"):
            let digits = bytes[min(place + 2, bytes.count)..<min(place + 6, bytes.count)]
            guard digits.count == 4, digits.allSatisfy({ $0 < 0x80 }), let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) else {
                break
            }
            // Halves of a pair never stand in a name.
            for byte in String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8 { append(byte, place) }
            return place + 6
        default: append(bytes[place + 1], place + 1)
        }
        return place + 2
    }
}

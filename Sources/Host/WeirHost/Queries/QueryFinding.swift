// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Finds the queries of a file by its keys alone, so that rules in templates and dashboards of any version are looked at: what is no
/// query where one is expected is left for the reader of queries to say.
extension QuerySource {
    /// More are left out, and counted.
    static let mostQueries = 10_000

    static func find(in bytes: [UInt8], _ format: Format) -> [QuerySource] {
        switch format {
        case .plain: [QuerySource(text: bytes, places: Array(bytes.indices))]
        case .json: json(bytes)
        case .yaml: YAMLQueries(bytes).all()
        }
    }

    /// Texts behind a key that holds queries. A text that does not end ends the search.
    private static func json(_ bytes: [UInt8]) -> [QuerySource] {
        var found: [QuerySource] = []
        var place = 0
        var key: String?
        while place < bytes.count, found.count <= mostQueries {
            if bytes[place] == UInt8(ascii: "\"") {
                guard let quoted = QuotedText(bytes, at: place, before: bytes.count) else { return found }
                place = quoted.end
                let next = bytes[place...].first { !isBlank($0) }
                if next == UInt8(ascii: ":") {
                    key = String(decoding: quoted.text, as: UTF8.self)
                    continue
                }
                if let known = key, keys.contains(known) { found.append(QuerySource(text: quoted.text, places: quoted.places)) }
                key = nil
            } else {
                // A list or an object behind the key is no query of its own.
                if bytes[place] == UInt8(ascii: "{") || bytes[place] == UInt8(ascii: "[") || bytes[place] == UInt8(ascii: ",") { key = nil }
                place += 1
            }
        }
        return found
    }
}

/// Lines of YAML in block style, as rules are written.
private struct YAMLQueries {
    private let bytes: [UInt8]
    private let lines: [Range<Int>]
    private var found: [QuerySource] = []
    /// Of the rule in hand: its queries among those found, and the name of its record.
    private var rule: [Int] = []
    private var record: String?

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var lines: [Range<Int>] = []
        var start = 0
        for (place, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
            lines.append(start..<place)
            start = place + 1
        }
        if start < bytes.count { lines.append(start..<bytes.count) }
        self.lines = lines
    }

    consuming func all() -> [QuerySource] {
        var reader = self
        var number = 0
        while number < reader.lines.count, reader.found.count <= QuerySource.mostQueries { number = reader.read(number) }
        reader.endRule()
        return reader.found
    }

    private mutating func endRule() {
        if let record { for index in rule { found[index].record = record } }
        rule = []
        record = nil
    }

    private func indentation(_ line: Range<Int>) -> Int { bytes[line].prefix { $0 == UInt8(ascii: " ") }.count }
    private func isEmpty(_ line: Range<Int>) -> Bool { bytes[line].allSatisfy(QuerySource.isBlank) }

    /// Reads the line, and those that belong to its value; returns the number of the line behind.
    private mutating func read(_ number: Int) -> Int {
        let line = lines[number]
        var place = line.lowerBound + indentation(line)
        while place + 1 < line.upperBound, bytes[place] == UInt8(ascii: "-"), bytes[place + 1] == UInt8(ascii: " ") {
            endRule()
            place += 1
            while place < line.upperBound, bytes[place] == UInt8(ascii: " ") { place += 1 }
        }
        let column = place - line.lowerBound
        guard let (key, behind) = key(place, line.upperBound) else { return number + 1 }
        place = behind
        while place < line.upperBound, bytes[place] == UInt8(ascii: " ") { place += 1 }
        // A tag or an anchor in front of the value.
        while place < line.upperBound, bytes[place] == UInt8(ascii: "!") || bytes[place] == UInt8(ascii: "&") {
            while place < line.upperBound, bytes[place] != UInt8(ascii: " ") { place += 1 }
            while place < line.upperBound, bytes[place] == UInt8(ascii: " ") { place += 1 }
        }
        let isBlock = place < line.upperBound && (bytes[place] == UInt8(ascii: "|") || bytes[place] == UInt8(ascii: ">"))
        let isWanted = QuerySource.keys.contains(key) || key == "record"
        if !isWanted { return isBlock ? lineBehind(number, column) : number + 1 }
        let value: QuerySource
        var next = number + 1
        if isBlock {
            next = lineBehind(number, column)
            value = raw(number + 1..<next, from: nil)
        } else if place < line.upperBound, bytes[place] == UInt8(ascii: "\"") || bytes[place] == UInt8(ascii: "'") {
            guard let quoted = QuotedText(bytes, at: place, before: bytes.count) else { return lines.count }
            value = QuerySource(text: quoted.text, places: quoted.places)
            while next < lines.count, lines[next].lowerBound < quoted.end { next += 1 }
        } else {
            next = lineBehind(number, column)
            value = raw(number..<next, from: place)
        }
        if key == "record" {
            record = String(decoding: value.text, as: UTF8.self).split(whereSeparator: \.isWhitespace).first.map(String.init)
        } else if !value.text.allSatisfy(QuerySource.isBlank) {
            rule.append(found.count)
            found.append(value)
        }
        return next
    }

    /// The first line behind `number` that is not empty and stands no further in than `column`.
    private func lineBehind(_ number: Int, _ column: Int) -> Int {
        var next = number + 1
        while next < lines.count, isEmpty(lines[next]) || indentation(lines[next]) > column { next += 1 }
        return next
    }

    /// The bytes of whole lines; of the first from a place on.
    private func raw(_ numbers: Range<Int>, from start: Int?) -> QuerySource {
        var value = QuerySource(text: [], places: [])
        for number in numbers {
            let from = number == numbers.lowerBound ? start ?? lines[number].lowerBound : lines[number].lowerBound
            for place in from...lines[number].upperBound where place < bytes.count {
                value.text.append(bytes[place])
                value.places.append(place)
            }
        }
        return value
    }

    /// A key, in quotes or not, with the place behind its colon.
    private func key(_ start: Int, _ end: Int) -> (name: String, behind: Int)? {
        guard start < end else { return nil }
        var place = start
        let name: String
        if bytes[start] == UInt8(ascii: "\"") || bytes[start] == UInt8(ascii: "'") {
            guard let quoted = QuotedText(bytes, at: start, before: end) else { return nil }
            name = String(decoding: quoted.text, as: UTF8.self)
            place = quoted.end
        } else {
            while place < end, bytes[place] != UInt8(ascii: ":"), bytes[place] != UInt8(ascii: " ") { place += 1 }
            name = String(decoding: bytes[start..<place], as: UTF8.self)
        }
        while place < end, bytes[place] == UInt8(ascii: " ") { place += 1 }
        guard place < end, bytes[place] == UInt8(ascii: ":"), place + 1 == end || QuerySource.isBlank(bytes[place + 1]) else { return nil }
        return (name, place + 1)
    }
}

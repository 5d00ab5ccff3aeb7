// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Rows from comma-separated values (RFC 4180) under a line of column names, one of them `cidr`.
enum CSVTable {
    static func add(_ source: SourceText, to builder: inout TableBuilder) {
        var reader = CSVReader(source)
        guard let head = reader.record() else {
            return builder.note("the file is empty: its first line names the columns, such as cidr,zone,team", at: .byte(0, source))
        }
        guard check(head, source, &builder) else { return }
        while !builder.isFull, let record = reader.record() {
            let place = Place.byte(record[0].offset, source)
            guard record.count == head.count else {
                builder.note("the row has \(record.count) cells where the first line names \(head.count) columns", at: place)
                continue
            }
            let fields = zip(head, record).map { column, cell in
                TableBuilder.Field(
                    key: column.text, value: cell.text, keyPlace: .byte(column.offset, source), valuePlace: .byte(cell.offset, source))
            }
            builder.add(fields, at: place)
        }
        if let quote = reader.openQuote { builder.note("the quote that opens here is not closed", at: .byte(quote, source)) }
    }

    /// Column names are checked once, not once per row.
    private static func check(_ head: [CSVReader.Cell], _ source: SourceText, _ builder: inout TableBuilder) -> Bool {
        var isGood = true
        var seen: Set<String> = []
        for column in head {
            let place = Place.byte(column.offset, source)
            if !seen.insert(UserAttribute.normal(column.text)).inserted {
                builder.note("the column '\(column.text)' stands here twice; '_' and '.' make no difference in a name", at: place)
                isGood = false
            } else if column.text != "cidr", builder.attribute(column.text, at: place) == nil {
                isGood = false
            }
        }
        if isGood, !seen.contains("cidr") {
            builder.note("the first line names the columns, and none of them is 'cidr'", at: .byte(head[0].offset, source))
            isGood = false
        }
        return isGood
    }
}

/// Cuts bytes into records of cells. Blanks around a cell without quotes do not count, empty lines neither.
struct CSVReader {
    struct Cell {
        var text: String
        /// Its first byte in the file.
        var offset: Int
    }

    private let source: SourceText
    private var next: Int
    /// A quote that was never closed; the reader stops there.
    private(set) var openQuote: Int?

    init(_ source: SourceText) {
        self.source = source
        next = source.start
    }

    /// The cells of the next line that is not empty; nil at the end.
    mutating func record() -> [Cell]? {
        while let byte = peek, byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { next += 1 }
        guard peek != nil else { return nil }
        var cells: [Cell] = []
        while openQuote == nil {
            cells.append(cell())
            guard peek == UInt8(ascii: ",") else { break }
            next += 1
        }
        return openQuote == nil ? cells : nil
    }

    private var peek: UInt8? { next < source.bytes.count ? source.bytes[next] : nil }

    /// One cell; afterwards `next` is at a comma, a line's end or the file's.
    private mutating func cell() -> Cell {
        while peek == UInt8(ascii: " ") { next += 1 }
        if peek == UInt8(ascii: "\"") { return quoted() }
        let start = next
        skipToEnd()
        var end = next
        while end > start, [UInt8(ascii: " "), UInt8(ascii: "\t")].contains(source.bytes[end - 1]) { end -= 1 }
        return Cell(text: source.text(start..<end), offset: start)
    }

    private mutating func quoted() -> Cell {
        let start = next
        var bytes: [UInt8] = []
        next += 1
        while let byte = peek {
            next += 1
            if byte != UInt8(ascii: "\"") {
                bytes.append(byte)
            } else if peek == UInt8(ascii: "\"") {
                bytes.append(byte)
                next += 1
            } else {
                // Whatever stands between the quote and the comma belongs to the cell, so that it is not lost.
                let rest = next
                skipToEnd()
                bytes += source.bytes[rest..<next].filter { $0 != UInt8(ascii: " ") }
                return Cell(text: String(decoding: bytes, as: UTF8.self), offset: start)
            }
        }
        openQuote = start
        return Cell(text: "", offset: start)
    }

    private mutating func skipToEnd() {
        while let byte = peek, byte != UInt8(ascii: ","), byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { next += 1 }
    }
}

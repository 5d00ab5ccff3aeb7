// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
internal import WeirKit
internal import WeirPipeline

/// Makes the lines of one batch of records for a client, some at a time.
struct TapLines {
    private let records: LiveRecords
    private let context: TapContext
    private var lines: RecordLines
    private var row = 0
    /// `"src.zone":{"by":"cidr"}` per column and number of the answering stage, made when first needed.
    private var explanations: [[UInt8: [UInt8]]]

    /// `context` is that of the records' own tap.
    init(_ records: LiveRecords, _ context: TapContext) {
        self.records = records
        self.context = context
        lines = RecordLines(records.batch)
        explanations = records.answeredBy.map { _ in [:] }
    }

    var isDone: Bool { row == records.count }

    /// Appends lines until there are `limit` bytes or no more rows; how many.
    mutating func append(to bytes: inout [UInt8], upTo limit: Int) -> Int {
        let first = row
        while row < records.count, bytes.count < limit {
            lines.append(row, to: &bytes)
            if records.tap.explains { explain(&bytes) }
            row += 1
        }
        return row - first
    }

    /// Puts `,"explain":{…}` before the end of the line.
    private mutating func explain(_ bytes: inout [UInt8]) {
        bytes.removeLast(2)
        bytes += ",\"explain\":{".utf8
        var isFirst = true
        for column in records.answeredBy.indices where !records.answeredBy[column].isEmpty {
            let said = explanation(column, records.answeredBy[column][row])
            if said.isEmpty { continue }
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            bytes += said
        }
        bytes += "}}\n".utf8
    }

    private mutating func explanation(_ column: Int, _ stage: UInt8) -> [UInt8] {
        if let known = explanations[column][stage] { return known }
        var bytes: [UInt8] = []
        let attribute = records.tap.attributes[column]
        if let said = context.explain(attribute, answeredBy: stage) {
            JSONText.append(attribute.name, to: &bytes)
            var mark = ":{"
            func entry(_ key: String) {
                bytes += "\(mark)\"\(key)\":".utf8
                mark = ","
            }
            if let by = said.by {
                entry("by")
                JSONText.append(by, to: &bytes)
            }
            for (key, names) in [("also", said.also), ("asked", said.asked)] where !names.isEmpty {
                entry(key)
                bytes.append(texts: names)
            }
            bytes.append(UInt8(ascii: "}"))
        }
        explanations[column][stage] = bytes
        return bytes
    }
}

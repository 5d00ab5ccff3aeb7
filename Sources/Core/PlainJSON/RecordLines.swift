// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Makes the lines of one batch: `{"time":"…","src.address":"10.0.0.4",…,"bytes":1357,"packets":2}`.
///
/// What all lines share (keys, time, escaped texts) is made once per batch; a line is then copies of bytes.
package struct RecordLines {
    private let batch: RecordBatch
    /// `{"time":"2026-01-02T03:04:05.678Z"`.
    private let start: [UInt8]
    /// `,"src.address":`, per column.
    private let keys: [[UInt8]]
    /// Every text of the batch in quotes, one after the other; text n lies between `ends[n]` and `ends[n + 1]`.
    private var escaped: [UInt8] = []
    private var ends: [Int] = [0]
    private let bytesKey = Array(",\"bytes\":".utf8)
    private let packetsKey = Array(",\"packets\":".utf8)

    package init(_ batch: RecordBatch) {
        self.batch = batch
        var start = Array("{\"time\":\"".utf8)
        RFC3339.append(nanoseconds: batch.window.upperBound, to: &start)
        start.append(UInt8(ascii: "\""))
        self.start = start
        keys = batch.names.map { name in
            var key = [UInt8(ascii: ",")]
            JSONText.append(name, to: &key)
            key.append(UInt8(ascii: ":"))
            return key
        }
        ends.reserveCapacity(batch.texts.count + 1)
        for text in batch.texts {
            JSONText.append(text, to: &escaped)
            ends.append(escaped.count)
        }
    }

    /// Called once per record.
    package mutating func append(_ row: Int, to line: inout [UInt8]) {
        line += start
        for index in keys.indices {
            switch batch.columns[index] {
            case .texts(let numbers):
                let number = Int(numbers[row])
                if number == 0 { continue }
                line += keys[index]
                line += escaped[ends[number - 1]..<ends[number]]
            case .numbers(let numbers):
                line += keys[index]
                line.append(decimal: UInt64(numbers[row]))
            }
        }
        line += bytesKey
        line.append(decimal: batch.bytes[row])
        line += packetsKey
        line.append(decimal: batch.packets[row])
        line.append(UInt8(ascii: "}"))
        line.append(UInt8(ascii: "\n"))
    }
}

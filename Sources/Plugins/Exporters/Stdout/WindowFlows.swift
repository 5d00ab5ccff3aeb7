// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// The flows of one window as the table shows them: those whose shown attributes are equal are one, added up.
package struct WindowFlows: Sendable {
    package struct Flow: Sendable {
        /// Per attribute: a number, or the number of a text, 0 for absent.
        fileprivate let words: [UInt32]
        package fileprivate(set) var bytes: UInt64
        package fileprivate(set) var packets: UInt64
    }

    /// The most flows that are told apart; each costs some hundred bytes until its window is printed.
    package static let maxFlows = 65_536
    /// Stands for a text that nothing gathered so far has.
    private static let unknown = UInt32.max

    package let attributes: [SelectedAttribute]
    /// What the attributes are called.
    package let names: [String]
    /// In nanoseconds since 1970.
    package let window: Range<UInt64>
    package private(set) var flows: [Flow] = []
    /// Rows that came when there were `limit` flows, and are none of them.
    package private(set) var turnedAway: (rows: Int, bytes: UInt64) = (0, 0)
    private let limit: Int
    private let isNumber: [Bool]
    private var placeOf: [[UInt32]: Int] = [:]
    private var texts: [String] = []
    private var numberOf: [String: UInt32] = [:]

    /// Empty, for batches of the same kind and window as `batch`.
    package init(like batch: RecordBatch, limit: Int = maxFlows) {
        attributes = batch.attributes
        names = batch.names
        window = batch.window
        isNumber = Self.isNumber(batch)
        self.limit = limit
    }

    /// Whether `batch` belongs to the same table.
    package func takes(_ batch: RecordBatch) -> Bool {
        batch.window == window && batch.attributes == attributes && batch.names == names && Self.isNumber(batch) == isNumber
    }

    /// Once per batch: a look-up per text, then one per row.
    package mutating func add(_ batch: RecordBatch) {
        precondition(takes(batch), "the batch is of another window or has other attributes")
        let numbers = batch.texts.map { number(of: $0) }
        var words = [UInt32](repeating: 0, count: attributes.count)
        for row in batch.rows {
            for column in words.indices {
                switch batch.columns[column] {
                case .numbers(let values): words[column] = values[row]
                case .texts(let places): words[column] = places[row] == 0 ? 0 : numbers[Int(places[row]) - 1]
                }
            }
            if let place = placeOf[words] {
                flows[place].bytes &+= batch.bytes[row]
                flows[place].packets &+= batch.packets[row]
            } else if flows.count < limit {
                placeOf[words] = flows.count
                flows.append(Flow(words: words, bytes: batch.bytes[row], packets: batch.packets[row]))
            } else {
                turnedAway.rows += 1
                turnedAway.bytes &+= batch.bytes[row]
            }
        }
    }

    /// The value of the attribute at `column` of one flow; nil when absent.
    package func value(_ column: Int, _ flow: Int) -> RecordBatch.Value? {
        let word = flows[flow].words[column]
        if isNumber[column] { return .number(word) }
        return word == 0 ? nil : .text(texts[Int(word) - 1])
    }

    /// A text's number. None is given out any more once no flow can join: so texts are bounded as the flows are.
    private mutating func number(of text: String) -> UInt32 {
        if let known = numberOf[text] { return known }
        guard flows.count < limit else { return Self.unknown }
        texts.append(text)
        numberOf[text] = UInt32(texts.count)
        return UInt32(texts.count)
    }

    private static func isNumber(_ batch: RecordBatch) -> [Bool] {
        batch.columns.map { if case .numbers = $0 { true } else { false } }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

extension Knowledge {
    /// One selected attribute of many rows: `words[n]` of `rows[n]`. The hot columns have loops of their own, so that what a
    /// column is gets decided once per batch and not once per row.
    func gather(_ column: Column, _ rows: [Int], _ batch: borrowing FlowBatch, into words: inout [UInt32]) {
        words.makeRoom(for: rows.count)
        switch column {
        case .endpoint(let index, .source): Self.gather(rows, batch.source, endpoints.symbols, index, endpoints.width, &words)
        case .endpoint(let index, .destination): Self.gather(rows, batch.destination, endpoints.symbols, index, endpoints.width, &words)
        case .sourcePort: Self.gather(rows, batch.sourcePort, &words)
        case .destinationPort: Self.gather(rows, batch.destinationPort, &words)
        case .transport: Self.gather(rows, batch.transport, &words)
        case .scope: Self.gather(rows, batch.scope, &words)
        case .scopeReason: Self.gather(rows, batch.scopeReason, &words)
        case .observer: Self.gather(rows, batch.observer, &words)
        case .initiator, .direction: Self.gather(rows, batch.initiator, &words)
        case .initiatorSource: Self.gather(rows, batch.initiatorSource, &words)
        case .interface: Self.gather(rows, batch.interface, &words)
        case .sourceService: Self.gather(rows, batch.sourceService, &words)
        case .destinationService: Self.gather(rows, batch.destinationService, &words)
        case .networkType: for index in rows.indices { words[index] = batch.isIPv4[rows[index]] ? 0 : 1 }
        case .samplingRate: for index in rows.indices { words[index] = batch.samplingRate }
        case .clientPort: for index in rows.indices { words[index] = UInt32(port(ofInitiator: true, rows[index], batch)) }
        case .serverPort: for index in rows.indices { words[index] = UInt32(port(ofInitiator: false, rows[index], batch)) }
        case .plugged(let answers):
            for index in rows.indices {
                let answer = batch.answers[answers][rows[index]]
                words[index] = answer == 0 ? 0 : plugged[Int(answer) - 1]
            }
        }
    }

    private static func gather(
        _ rows: [Int], _ ends: [UInt32], _ table: [UInt32], _ column: Int, _ width: Int, _ words: inout [UInt32]
    ) {
        let (rows, ends, symbols) = (rows.span, ends.span, table.span)
        var words = words.mutableSpan
        for index in rows.indices { words[index] = symbols[Int(ends[rows[index]]) &* width &+ column] }
    }

    private static func gather(_ rows: [Int], _ column: [some FixedWidthInteger], _ words: inout [UInt32]) {
        let (rows, column) = (rows.span, column.span)
        var words = words.mutableSpan
        for index in rows.indices { words[index] = UInt32(truncatingIfNeeded: column[rows[index]]) }
    }

    private static func gather<Word: RawRepresentable<UInt8>>(_ rows: [Int], _ column: [Word], _ words: inout [UInt32]) {
        let (rows, column) = (rows.span, column.span)
        var words = words.mutableSpan
        for index in rows.indices { words[index] = UInt32(column[rows[index]].rawValue) }
    }
}

extension Array where Element: FixedWidthInteger {
    /// Makes room for `count` elements whose values do not matter. Allocates only when there were never so many.
    mutating func makeRoom(for count: Int) {
        if self.count > count { removeLast(self.count - count) } else { append(contentsOf: repeatElement(0, count: count - self.count)) }
    }
}

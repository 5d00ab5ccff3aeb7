// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// What names the series of each row, for all metrics that have the same attributes: made once per batch, column by column.
///
/// Two words stand in one `UInt64`, so that three comparisons find a series of six attributes.
struct SeriesKeys {
    let columns: [Column]
    /// `UInt64`s per row.
    let stride: Int
    private let seed: UInt64
    /// By the rows' numbers in the batch: `row * stride`.
    private(set) var words: [UInt64] = []
    private(set) var hashes: [UInt64] = []
    private var column: [UInt32] = []
    /// Whether every row of the batch that goes on has its key.
    var isComplete = false

    init(columns: [Column], seed: UInt64) {
        self.columns = columns
        self.seed = seed
        stride = Self.stride(columns.count)
    }

    static func stride(_ columns: Int) -> Int { (columns + 1) / 2 }

    /// Makes the keys of these rows.
    mutating func make(_ rows: [Int], _ batch: borrowing FlowBatch, _ knowledge: borrowing Knowledge) {
        words.makeRoom(for: batch.count * stride)
        hashes.makeRoom(for: batch.count)
        for index in columns.indices {
            knowledge.gather(columns[index], rows, batch, into: &column)
            Self.pack(rows, column, index, stride, &words)
        }
        Self.hash(rows, words, stride, seed, &hashes)
    }

    private static func pack(_ rows: [Int], _ column: [UInt32], _ index: Int, _ stride: Int, _ words: inout [UInt64]) {
        let (rows, column) = (rows.span, column.span)
        var words = words.mutableSpan
        let place = index / 2
        if index % 2 == 0 {
            for number in rows.indices { words[rows[number] &* stride &+ place] = UInt64(column[number]) }
        } else {
            for number in rows.indices { words[rows[number] &* stride &+ place] |= UInt64(column[number]) << 32 }
        }
    }

    private static func hash(_ rows: [Int], _ words: [UInt64], _ stride: Int, _ seed: UInt64, _ hashes: inout [UInt64]) {
        let (rows, words) = (rows.span, words.span)
        var hashes = hashes.mutableSpan
        for number in rows.indices { hashes[rows[number]] = hash(words, rows[number] &* stride, stride, seed) }
    }

    /// The hash of the key that begins at `first`. Strangers choose names; the seed keeps them from choosing collisions.
    @inline(__always)
    static func hash(_ words: Span<UInt64>, _ first: Int, _ stride: Int, _ seed: UInt64) -> UInt64 {
        var hash = seed
        for index in first..<first &+ stride {
            let product = (hash ^ words[index]).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            hash = product.high ^ product.low
        }
        return hash
    }
}

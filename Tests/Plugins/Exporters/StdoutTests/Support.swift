// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import StdoutExporter
internal import Synchronization
internal import WeirKit
internal import WeirTesting

/// 2026-01-02T03:04:05Z, in nanoseconds since 1970.
let moment: UInt64 = 1_767_323_045_000_000_000

/// Rows of texts in the window of five seconds that ends at `moment`, or that much later.
func batch(_ attributes: [SelectedAttribute], _ rows: [(values: [String?], bytes: UInt64, packets: UInt64)], after seconds: UInt64 = 0) -> RecordBatch
{
    let end = moment + seconds * 1_000_000_000
    return .testing(attributes, rows, window: end - 5_000_000_000..<end)
}

let owners = [SelectedAttribute(.ownerName, .source), SelectedAttribute(.ownerName, .destination)]
let defaults =
    owners + [
        SelectedAttribute(.zone, .source), SelectedAttribute(.zone, .destination), SelectedAttribute(.trafficScope), SelectedAttribute(.observer),
    ]

func plainTable(rows: Int = 40) -> FlowTable { FlowTable(rowLimit: rows, palette: .plain) }

extension FlowTable {
    /// The table of a window that is one batch.
    mutating func text(_ batch: RecordBatch, lineWidth: Int?) -> String {
        var window = WindowFlows(like: batch)
        window.add(batch)
        return text(window, lineWidth: lineWidth)
    }
}

extension String {
    var lines: [String] { split(separator: "\n").map(String.init) }
}

/// Standard output as a test sees it.
final class Screen: Sendable {
    let shown = Mutex<[UInt8]>([])
    var text: String { shown.withLock { String(decoding: $0, as: UTF8.self) } }

    func terminal(isTerminal: Bool = true, allowsColors: Bool = true, lineWidth: Int? = nil) -> Terminal {
        Terminal(isTerminal: { isTerminal }, allowsColors: { allowsColors }, lineWidth: { lineWidth }) { bytes, from in
            // Seven bytes at a time, as a bad pipe would.
            let piece = bytes[from..<min(bytes.count, from + 7)]
            self.shown.withLock { $0 += piece }
            return .success(piece.count)
        }
    }
}

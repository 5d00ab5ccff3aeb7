// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The lines of a file or of standard input, one at a time: memory is one line and one piece, whatever the size of the file.
struct LineStream: ~Copyable {
    /// Longer lines are passed over and said.
    static let limit = 1 << 20

    enum Line {
        case bytes([UInt8])
        case tooLong
    }

    private var input: InputFile
    private var piece: [UInt8] = []
    private var from = 0
    /// Of the line that was read last, from 1.
    private(set) var number = 0

    init(_ input: consuming InputFile) { self.input = input }

    /// The next line without its end; nil behind the last.
    mutating func next() throws(SystemError) -> Line? {
        var line: [UInt8] = []
        var isTooLong = false
        while true {
            if from == piece.count {
                piece = try input.read(upTo: 256 << 10)
                from = 0
                if piece.isEmpty {
                    if line.isEmpty, !isTooLong { return nil }
                    break
                }
            }
            let end = piece[from...].firstIndex(of: UInt8(ascii: "\n"))
            let part = piece[from..<(end ?? piece.count)]
            if line.count + part.count > Self.limit {
                isTooLong = true
                line = []
            } else if !isTooLong {
                line += part
            }
            from = end.map { $0 + 1 } ?? piece.count
            if end != nil { break }
        }
        number += 1
        if isTooLong { return .tooLong }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return .bytes(line)
    }
}

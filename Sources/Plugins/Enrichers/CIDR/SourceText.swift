// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Where a cell stood: known at once in the configuration, worked out from the byte in a table file, where a million
/// cells have a place and few are ever asked for it.
enum Place {
    case node(ConfigPosition)
    case byte(Int, SourceText)

    var position: ConfigPosition {
        switch self {
        case .node(let position): position
        case .byte(let offset, let source): source.position(of: offset)
        }
    }
}

/// The bytes of a table file.
final class SourceText: Sendable {
    let bytes: [UInt8]
    let file: String

    init(_ bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
    }

    /// Spreadsheets put a byte order mark in front.
    var start: Int { bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0 }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// Reads from the start of the file: only for messages.
    func position(of offset: Int) -> ConfigPosition {
        let before = bytes[start..<max(start, min(offset, bytes.count))]
        let newline = UInt8(ascii: "\n")
        let lineStart = before.lastIndex(of: newline).map { $0 + 1 } ?? start
        let line = before.count { $0 == newline } + 1
        let column = before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1
        return ConfigPosition(file: file, line: line, column: column)
    }

    /// Where the first sequence of bytes stands that is no UTF-8.
    var firstInvalid: Int? {
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            switch parser.parseScalar(from: &iterator) {
            case .valid(let scalar): offset += scalar.count
            case .emptyInput: return nil
            case .error: return offset
            }
        }
    }
}

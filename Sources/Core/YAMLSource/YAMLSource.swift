// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// Reads YAML into a tree that remembers where everything stood; libyaml's events underneath.
///
/// A configuration needs mappings, lists and scalars. What else YAML can do (anchors, aliases, tags, merge keys,
/// several documents) is refused: it hides where a value comes from, and an alias can grow a small file without end.
public enum YAMLSource {
    /// The largest file that is read.
    public static let maxBytes = 1 << 20
    /// How deep lists and mappings may stand in each other.
    public static let maxLevels = 64

    /// The tree of a file, an empty file being an empty mapping. Nil when the file does not parse: then its first
    /// problem is noted. A key that stands twice is noted too, and the first one is kept.
    public static func parse(_ bytes: [UInt8], file: String, problems: ConfigProblems) -> ConfigNode? {
        let start = ConfigPosition(file: file, line: 1, column: 1)
        guard bytes.count <= maxBytes else {
            problems.note(.tooLarge, "the file has \(bytes.count) bytes; at most \(ByteCount(maxBytes).configText) are read", at: start)
            return nil
        }
        if let offset = firstInvalidUTF8(bytes) {
            problems.note(.notUTF8, "the file is not UTF-8 text from here on", at: position(of: offset, in: bytes, file: file))
            return nil
        }
        var builder = TreeBuilder(bytes, file: file, problems: problems)
        do {
            return try builder.document() ?? ConfigNode(.mapping([]), at: start)
        } catch {
            problems.note(error.kind, error.message, at: error.position)
            return nil
        }
    }

    /// The line and column of a byte, for errors that come with an offset.
    static func position(of offset: Int, in bytes: [UInt8], file: String) -> ConfigPosition {
        var line = 1
        var lineStart = 0
        for index in 0..<min(offset, bytes.count) where bytes[index] == UInt8(ascii: "\n") {
            line += 1
            lineStart = index + 1
        }
        let column = bytes[lineStart..<min(offset, bytes.count)].count { $0 & 0xC0 != 0x80 } + 1
        return ConfigPosition(file: file, line: line, column: column)
    }

    /// Where the first sequence of bytes stands that is no UTF-8.
    private static func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
        var decoder = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            switch decoder.parseScalar(from: &iterator) {
            case .valid(let scalar): offset += scalar.count
            case .emptyInput: return nil
            case .error: return offset
            }
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Reads JSON documents, one behind the other, in pieces as they arrive, and hands out the few values that a `FieldTree` wants.
///
/// Memory is bounded whatever comes: the path to a wanted value is as deep as the tree, a text at most `maxTextBytes`, and what nobody
/// wants is skipped without being kept: brackets are counted, the innermost 64 by kind, and words between them are not looked at.
/// So a document that passes is well-formed along the wanted paths; elsewhere its strings are closed and its brackets match.
package struct FieldScanner {
    package enum Token: Equatable {
        /// The scalar wanted as this field; it stands in `text`. Null is as if it were not there.
        case text(Int)
        /// The scalar wanted as this field is longer than `maxTextBytes`.
        case tooLong(Int)
        /// The object or list whose end is wanted as this field ends.
        case end(Int)
        /// A wanted value is of another kind, a list for a text or a number for an object, and is skipped. `depth` is how many
        /// wanted objects and lists are open around it.
        case unexpected(depth: Int)
        /// A document ends.
        case document
    }

    /// The bytes are no JSON; nothing more can be read.
    package struct Problem: Error, Equatable {
        package let message: String
        /// From the first byte of the first piece.
        package let offset: Int

        package init(message: String, offset: Int) {
            self.message = message
            self.offset = offset
        }
    }

    /// The bytes of the last `.text`, escapes undone. Not checked to be UTF-8.
    package private(set) var text: [UInt8] = []
    /// Whether they stood in quotes: a number, `true` and `false` do not.
    package private(set) var isQuoted = false

    enum State: UInt8 {
        case document, documentEnd
        case value, firstElement, firstKey, key, colon, afterValue
        case string, escape, unicode, word
        case skip, skipString, skipEscape, skipWord
    }

    private struct Frame {
        var node: Int
        var isList: Bool
    }

    private let tree: FieldTree
    private let maxTextBytes: Int
    private var state = State.document
    /// The wanted containers that are open.
    private var frames: [Frame] = []
    /// The node of the value that comes next; -1 when nobody wants it.
    private var target = 0
    /// Whether the string that is read is a key.
    private var isKey = false
    private var isTooLong = false
    private var unicode = UnicodeEscape()
    private var skipped = SkippedBrackets()
    /// Bytes of the pieces before this one.
    private var bytesBefore = 0

    package init(_ tree: FieldTree, maxTextBytes: Int) {
        self.tree = tree
        self.maxTextBytes = maxTextBytes
        text.reserveCapacity(min(maxTextBytes, 512))
        frames.reserveCapacity(tree.depth + 1)
    }

    /// Whether the last document ended and no other has begun.
    package var isBetweenDocuments: Bool { state == .document }

    /// The next token of `piece` from `offset` on; nil when the piece is used up. Called once per wanted value.
    package mutating func next(_ piece: [UInt8], _ offset: inout Int) throws(Problem) -> Token? {
        while true {
            // Ends without a byte of their own.
            if state == .documentEnd {
                state = .document
                return .document
            }
            guard offset < piece.count else {
                bytesBefore += piece.count
                return nil
            }
            switch state {
            case .string:
                if let token = try string(piece, &offset) { return token }
            case .skip:
                if !skipped.skip(piece, &offset, &state) { throw problem("brackets that do not match", offset - 1) }
                if state == .afterValue { endValue() }
            case .skipString:
                SkippedBrackets.skipString(piece, &offset, &state)
                if state == .skip, skipped.depth == 0 { endValue() }
            case .skipEscape:
                offset += 1
                state = .skipString
            case .word, .skipWord:
                if let token = try word(piece, &offset) { return token }
            default:
                if let token = try step(piece[offset], &offset) { return token }
            }
        }
    }

    /// One byte where structure is expected.
    private mutating func step(_ byte: UInt8, _ offset: inout Int) throws(Problem) -> Token? {
        switch state {
        case .escape:
            offset += 1
            try escape(byte, offset - 1)
            return nil
        case .unicode:
            offset += 1
            guard let done = unicode.digit(byte) else { throw problem("expected four hexadecimal digits behind \\u", offset - 1) }
            if done {
                state = .string
                for scalar in unicode.take() { append(scalar) }
            }
            return nil
        default: break
        }
        if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\t") {
            offset += 1
            return nil
        }
        switch state {
        case .document:
            target = 0
            state = .value
        case .value: return try value(byte, &offset)
        case .firstElement:
            if byte == UInt8(ascii: "]") {
                offset += 1
                return close()
            }
            state = .value
        case .firstKey where byte == UInt8(ascii: "}"):
            offset += 1
            return close()
        case .firstKey, .key:
            guard byte == UInt8(ascii: "\"") else { throw problem("expected a key in double quotes", offset) }
            offset += 1
            beginString(isKey: true)
        case .colon:
            guard byte == UInt8(ascii: ":") else { throw problem("expected ':' behind the key", offset) }
            offset += 1
            state = .value
        case .afterValue: return try afterValue(byte, &offset)
        default: preconditionFailure("a state that reads more than one byte")
        }
        return nil
    }

    private mutating func value(_ byte: UInt8, _ offset: inout Int) throws(Problem) -> Token? {
        let kind = target < 0 ? FieldTree.Kind.unknown : tree.nodes[target].kind
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            offset += 1
            let isList = byte == UInt8(ascii: "[")
            if kind == (isList ? .list : .object) {
                frames.append(Frame(node: target, isList: isList))
                state = isList ? .firstElement : .firstKey
                target = isList ? tree.nodes[target].element : -1
                return nil
            }
            skipped.begin(isObject: !isList)
            state = .skip
            return kind == .unknown ? nil : .unexpected(depth: frames.count)
        case UInt8(ascii: "\""):
            offset += 1
            if kind == .scalar {
                beginString(isKey: false)
                return nil
            }
            state = .skipString
            return kind == .unknown ? nil : .unexpected(depth: frames.count)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            text.removeAll(keepingCapacity: true)
            isTooLong = false
            state = kind == .unknown ? .skipWord : .word
            return nil
        default: throw problem("expected a value", offset)
        }
    }

    /// Behind a value in a wanted container.
    private mutating func afterValue(_ byte: UInt8, _ offset: inout Int) throws(Problem) -> Token? {
        let frame = frames[frames.count - 1]
        if byte == UInt8(ascii: ",") {
            offset += 1
            state = frame.isList ? .value : .key
            target = frame.isList ? tree.nodes[frame.node].element : -1
            return nil
        }
        guard byte == (frame.isList ? UInt8(ascii: "]") : UInt8(ascii: "}")) else {
            throw problem("expected ',' or '\(frame.isList ? "]" : "}")'", offset)
        }
        offset += 1
        return close()
    }

    private mutating func close() -> Token? {
        let field = tree.nodes[frames.removeLast().node].field
        endValue()
        return field < 0 ? nil : .end(field)
    }

    private mutating func endValue() { state = frames.isEmpty ? .documentEnd : .afterValue }

    /// Numbers, `true`, `false`, `null`: up to what may follow one.
    private mutating func word(_ piece: [UInt8], _ offset: inout Int) throws(Problem) -> Token? {
        while offset < piece.count {
            let byte = piece[offset]
            switch byte {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"),
                UInt8(ascii: "\t"):
                let isWanted = state == .word
                endValue()
                guard isWanted else { return nil }
                return try endWord(offset)
            case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                offset += 1
                guard state == .word else { continue }
                if text.count < 64 { text.append(byte) } else { isTooLong = true }
            default: throw problem("expected the end of a value", offset)
            }
        }
        return nil
    }

    private mutating func endWord(_ offset: Int) throws(Problem) -> Token? {
        isQuoted = false
        let node = tree.nodes[target]
        if text == Array("null".utf8) { return nil }
        let isWord = text == Array("true".utf8) || text == Array("false".utf8)
        guard isWord || text[0] == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[0]) else {
            throw problem("a word that is no value", offset)
        }
        guard node.kind == .scalar else { return .unexpected(depth: frames.count) }
        return isTooLong ? .tooLong(node.field) : .text(node.field)
    }

    private mutating func beginString(isKey: Bool) {
        self.isKey = isKey
        text.removeAll(keepingCapacity: true)
        isTooLong = false
        isQuoted = true
        state = .string
    }

    /// A key or a wanted text, to its end or to the next escape.
    private mutating func string(_ piece: [UInt8], _ offset: inout Int) throws(Problem) -> Token? {
        let start = offset
        var end = start
        while end < piece.count {
            let byte = piece[end]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            end += 1
        }
        if end > start {
            // Half a surrogate pair that no other half follows.
            if unicode.isHalf, let scalar = unicode.giveUp() { append(scalar) }
            if !isTooLong, text.count + end - start <= maxTextBytes { text += piece[start..<end] } else { isTooLong = true }
        }
        offset = end
        guard end < piece.count else { return nil }
        offset += 1
        switch piece[end] {
        case UInt8(ascii: "\\"):
            state = .escape
            return nil
        case UInt8(ascii: "\""):
            if let scalar = unicode.giveUp() { append(scalar) }
            if isKey {
                target = isTooLong ? -1 : tree.member(text, of: frames[frames.count - 1].node)
                state = .colon
                return nil
            }
            let field = tree.nodes[target].field
            endValue()
            return isTooLong ? .tooLong(field) : .text(field)
        default: throw problem("a control character in a text must be escaped", end)
        }
    }

    private mutating func escape(_ byte: UInt8, _ offset: Int) throws(Problem) {
        if byte == UInt8(ascii: "u") {
            unicode.begin()
            state = .unicode
            return
        }
        if let scalar = unicode.giveUp() { append(scalar) }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): append(Unicode.Scalar(byte))
        case UInt8(ascii: "b"): append("\u{8}")
        case UInt8(ascii: "f"): append("\u{c}")
        case UInt8(ascii: "n"): append("\n")
        case UInt8(ascii: "r"): append("\r")
        case UInt8(ascii: "t"): append("\t")
        default: throw problem("unknown escape in a text", offset)
        }
        state = .string
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        let bytes = UTF8.encode(scalar)!
        if !isTooLong, text.count + bytes.count <= maxTextBytes { text += bytes } else { isTooLong = true }
    }

    /// A problem at `offset` of the piece that is being read.
    package func problem(_ message: String, _ offset: Int) -> Problem { Problem(message: message, offset: bytesBefore + offset) }
}

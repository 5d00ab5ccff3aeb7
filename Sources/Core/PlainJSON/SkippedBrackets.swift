// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Skips a value that nobody wants: the hot loop of a `FieldScanner`, which sees nearly every byte.
struct SkippedBrackets {
    /// How many lists and objects are open.
    private(set) var depth = 0
    /// What the innermost are, the last in the lowest bit; 1 for an object.
    private var kinds: UInt64 = 0
    /// How many of these bits count: what lies deeper than 64 loses its kind, not its bracket.
    private var knownKinds = 0

    mutating func begin(isObject: Bool) {
        depth = 1
        kinds = isObject ? 1 : 0
        knownKinds = 1
    }

    /// To the end of the value (`.afterValue`), or of the piece. False when a bracket closes what another opened.
    mutating func skip(_ piece: [UInt8], _ offset: inout Int, _ state: inout FieldScanner.State) -> Bool {
        var position = offset
        let count = piece.count
        defer { offset = position }
        while position < count {
            let byte = piece[position]
            position += 1
            if byte == UInt8(ascii: "\"") {
                // The same as `skipString`, here because most bytes pass this place.
                while true {
                    guard position < count else {
                        state = .skipString
                        return true
                    }
                    let inner = piece[position]
                    position += 1
                    if inner == UInt8(ascii: "\"") { break }
                    if inner == UInt8(ascii: "\\") {
                        guard position < count else {
                            state = .skipEscape
                            return true
                        }
                        position += 1
                    }
                }
                continue
            }
            // "[" 5B and "{" 7B, "]" 5D and "}" 7D differ in one bit.
            if byte | 0x20 == UInt8(ascii: "{") {
                depth += 1
                kinds = kinds << 1 | UInt64(byte & 0x20) >> 5
                knownKinds = min(knownKinds + 1, 64)
            } else if byte | 0x20 == UInt8(ascii: "}") {
                if knownKinds > 0 {
                    guard kinds & 1 == UInt64(byte & 0x20) >> 5 else { return false }
                    knownKinds -= 1
                }
                kinds >>= 1
                depth -= 1
                if depth == 0 {
                    state = .afterValue
                    return true
                }
            }
        }
        return true
    }

    /// From within a string to behind its closing quote (`.skip`), or to the end of the piece.
    static func skipString(_ piece: [UInt8], _ offset: inout Int, _ state: inout FieldScanner.State) {
        while offset < piece.count {
            let byte = piece[offset]
            offset += 1
            if byte == UInt8(ascii: "\"") {
                state = .skip
                return
            }
            if byte == UInt8(ascii: "\\") {
                state = .skipEscape
                return
            }
        }
    }
}

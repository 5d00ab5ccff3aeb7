// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Which character begins which line, so that a place is told in the lines that editors and `weir check` show.
///
/// libyaml's own lines also end at a lone carriage return, NEL, LS and PS, and an open bracket is noticed on one behind the last.
struct LineStarts {
    /// Per line, how many characters stand before it.
    private var starts = [0]
    private var count = 0

    /// `bytes` are UTF-8.
    init(_ bytes: [UInt8]) {
        for byte in bytes {
            // Continuation bytes begin no character.
            if byte & 0xC0 != 0x80 { count += 1 }
            if byte == UInt8(ascii: "\n") { starts.append(count) }
        }
    }

    /// Both from 1; what lies behind the end is the end.
    func place(of character: Int) -> (line: Int, column: Int) {
        let character = min(character, count)
        var (low, high) = (0, starts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= character { low = middle } else { high = middle }
        }
        return (low + 1, character - starts[low] + 1)
    }
}

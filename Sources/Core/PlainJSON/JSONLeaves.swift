// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

extension JSONReader {
    /// Visits every text, number, boolean and null of the value that begins here, however it is nested, with the keys that lead to
    /// it; the items of a list have their numbers for keys. For small documents of which few values are wanted: all of it must
    /// be in memory. What is nested deeper than `maxDepth` is a problem.
    package mutating func leaves(
        maxDepth: Int = 32, _ visit: (_ path: [String], _ leaf: Text) throws(Problem) -> Void
    ) throws(Problem) {
        var path: [String] = []
        skipBlanks()
        try leaves(&path, maxDepth, visit)
    }

    private mutating func leaves(
        _ path: inout [String], _ maxDepth: Int, _ visit: (_ path: [String], _ leaf: Text) throws(Problem) -> Void
    ) throws(Problem) {
        guard let mark = peek, mark == UInt8(ascii: "{") || mark == UInt8(ascii: "[") else { return try visit(path, value()) }
        guard path.count < maxDepth else { throw Problem(message: "nested deeper than \(maxDepth) levels", offset: offset) }
        if mark == UInt8(ascii: "{") {
            try object(orSay: "expected an object") { (reader, key) throws(Problem) in
                path.append(key.text)
                try reader.leaves(&path, maxDepth, visit)
                path.removeLast()
            }
        } else {
            try open("[", "expected a list")
            if close("]") { return }
            var item = 0
            repeat {
                skipBlanks()
                path.append(String(item))
                try leaves(&path, maxDepth, visit)
                path.removeLast()
                item += 1
            } while try more("]")
        }
    }
}

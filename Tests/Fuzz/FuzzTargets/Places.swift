// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// The lines of a file, to check that a problem points into it.
enum Places {
    /// Every problem has a sentence and stands in the file, or right behind its end.
    static func check(_ problems: ConfigProblems, in bytes: [UInt8]) throws(BrokenLaw) {
        let all = problems.all
        guard !all.isEmpty else { return }
        // Characters per line, counted as the readers count them where the bytes are no UTF-8.
        let widths = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { $0.count { $0 & 0xC0 != 0x80 } }
        for problem in all {
            let (line, column) = (problem.position.line, problem.position.column)
            try require(!problem.message.isEmpty, "a problem without a message")
            try require((1...widths.count).contains(line), "line \(line) of \(widths.count): \(problem.message)")
            try require((1...widths[line - 1] + 1).contains(column), "column \(column) of \(widths[line - 1]) in line \(line): \(problem.message)")
        }
    }
}

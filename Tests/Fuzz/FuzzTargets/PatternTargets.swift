// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Patterns
internal import Synchronization
internal import WeirKit

extension FuzzTarget {
    /// Globs: a pattern, a line break, a text. The answer is that of the definition, worked out the slow way.
    static let glob = FuzzTarget("glob", words: ["*", "?", "**", "*?", "\n", "é", "😀", "abc"], maxBytes: 512) { (bytes) throws(BrokenLaw) in
        let halves = Halves(bytes)
        let (pattern, text) = (Array(halves.first.unicodeScalars), Array(halves.second.unicodeScalars))
        // reaches[t]: the pattern so far matches the first t characters.
        var reaches = [true] + [Bool](repeating: false, count: text.count)
        for mark in pattern {
            var next = [Bool](repeating: false, count: text.count + 1)
            for end in 0...text.count {
                if mark == "*" {
                    next[end] = reaches[end] || end > 0 && next[end - 1]
                } else if end > 0, mark == "?" || mark == text[end - 1] {
                    next[end] = reaches[end - 1]
                }
            }
            reaches = next
        }
        try require(
            Glob(halves.first).matches(halves.second) == reaches[text.count],
            "'\(halves.first)' and '\(halves.second)': the definition says \(reaches[text.count])")
    }

    /// Regular expressions: a pattern, a line break, a text. An error points into the pattern; a search ends soon, and one that is given up is counted.
    static let pattern = FuzzTarget(
        "pattern",
        words: [
            "(a+)+$", "(?:", "(?=", "(?<!", "(?R)", "(?1)", "\\p{L}", "\\K", "\\G", "\\C", "[[:alpha:]]", "{1,100}", "*+", "\\Q", "\n",
            "aaaaaaaaaaaaaaaaaaaaaaa",
            "(*LIMIT_MATCH=", "(*UTF)", "^", "$", "|",
        ], maxBytes: 1024
    ) { (bytes) throws(BrokenLaw) in
        let halves = Halves(bytes)
        let pattern: Pattern
        do throws(PatternError) { pattern = try Pattern(halves.first) } catch {
            try require(!error.message.isEmpty, "an error without a message")
            try require((0...halves.first.count).contains(error.offset), "offset \(error.offset) in a pattern of \(halves.first.count) characters")
            return
        }
        let before = Pattern.givenUp.load(ordering: .relaxed)
        let start = ContinuousClock.now
        let outcome = pattern.search(halves.second)
        // A search within its limits takes some milliseconds; the rest is for a machine that has other things to do.
        try require(ContinuousClock.now - start < .seconds(2), "the search took \(ContinuousClock.now - start)")
        // The counter is the process's: others may count meanwhile.
        let counted = Pattern.givenUp.load(ordering: .relaxed) > before
        try require(outcome != .givenUp || counted, "a search was given up and not counted")
        try require(pattern.search(halves.second) == outcome, "the same search has two answers")
        try require(pattern.matches(halves.second) == (outcome == .found), "what matches is not what was found")
    }
}

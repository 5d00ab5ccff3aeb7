// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// "Did you mean": the nearest known word, when it is near enough to be a slip.
public enum Suggestion {
    /// `; did you mean 'max_parallel'?`, or nothing.
    public static func suffix(for word: String, among known: some Sequence<String>) -> String {
        guard let best = nearest(to: word, among: known) else { return "" }
        return "; did you mean '\(best)'?"
    }

    /// The known word with the fewest edits, at most a third of its length; the first of equals.
    public static func nearest(to word: String, among known: some Sequence<String>) -> String? {
        var best: (word: String, distance: Int)?
        for candidate in known {
            let limit = max(1, max(candidate.count, word.count) / 3)
            guard abs(candidate.count - word.count) <= limit else { continue }
            let found = distance(word, candidate)
            if found <= limit, found < best?.distance ?? .max { best = (candidate, found) }
        }
        return best?.word
    }

    /// Insertions, deletions, changes and swaps of neighbours (Damerau–Levenshtein, restricted).
    static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a.utf8)
        let b = Array(b.utf8)
        var rows = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
        for i in 0...a.count { rows[i][0] = i }
        for j in 0...b.count { rows[0][j] = j }
        for i in stride(from: 1, through: a.count, by: 1) {
            for j in stride(from: 1, through: b.count, by: 1) {
                var best = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, rows[i - 2][j - 2] + 1) }
                rows[i][j] = best
            }
        }
        return rows[a.count][b.count]
    }
}

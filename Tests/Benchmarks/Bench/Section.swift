// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A part of the benchmark that can be run by itself.
protocol Section {
    /// What `--section` calls it.
    var name: String { get }
    /// One line above its figures: what is measured, and how.
    var abstract: String { get }
    /// Measures. Calls `note` with every figure as soon as it is known, so that an end before time loses little.
    func run(_ setting: Setting, note: (Figure) -> Void) throws
}

/// What all sections share.
struct Setting {
    /// Only the figures that have a target, fewer runs.
    var isQuick: Bool
    /// Runs of which the median is taken.
    var runs: Int
    /// The agent under test.
    var weir: String
    /// Where `gen`, `floor` and its objects were built (`make -C Tests/Benchmarks/floor`).
    var floor: String
}

/// Why a section could not run here; the others go on.
struct Skipped: Error, CustomStringConvertible {
    var description: String
    /// No right or package would help: the machine cannot do it.
    var isForGood: Bool

    init(_ reason: String, isForGood: Bool = false) {
        description = reason
        self.isForGood = isForGood
    }
}

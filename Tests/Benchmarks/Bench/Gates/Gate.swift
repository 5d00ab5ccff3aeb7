// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One figure of a gate, as measured now.
struct Gauge {
    /// Its name in the file of thresholds: `pipeline.instructions`.
    var figure: String
    var value: Double
    /// One word.
    var unit: String
    /// In percent, for the first time that it is accepted: what a compiler or a kernel of another patch level may change.
    var tolerance: Double
}

/// Measures figures that do not depend on the machine's load, so that a test can compare them.
protocol Gate {
    /// What is measured, and by what.
    var name: String { get }
    /// Throws `Skipped` where the machine lacks what it needs.
    func measure() throws -> [Gauge]
}

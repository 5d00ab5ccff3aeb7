// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One figure of a gate, as measured now.
package struct Gauge {
    /// Its name in the file of thresholds: `pipeline.instructions`.
    package var figure: String
    package var value: Double
    /// One word.
    package var unit: String
    /// In percent, for the first time that it is accepted: what a compiler or a kernel of another patch level may change.
    package var tolerance: Double

    package init(figure: String, value: Double, unit: String, tolerance: Double) {
        self.figure = figure
        self.value = value
        self.unit = unit
        self.tolerance = tolerance
    }
}

/// Measures figures that do not depend on the machine's load, so that a test can compare them.
protocol Gate {
    /// What is measured, and by what.
    var name: String { get }
    /// Throws `Skipped` where the machine lacks what it needs.
    func measure() throws -> [Gauge]
}

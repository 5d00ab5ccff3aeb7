// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One measured quantity: what was seen in every run, and what is wanted.
package struct Figure {
    /// What a figure should be; a wish that the table shows, not a gate.
    package enum Target {
        case atMost(Double)
        case atLeast(Double)

        package func isMet(by value: Double) -> Bool {
            switch self {
            case .atMost(let limit): value <= limit
            case .atLeast(let limit): value >= limit
            }
        }
    }

    /// What was measured, with all that was varied: `1 k flows, crafted · tcx · default`.
    package var name: String
    /// `ns/packet`, `flows/s`, `bytes`, `× floor`.
    package var unit: String
    /// One value per run, in the order of the runs.
    package var samples: [Double]
    package var target: Target?
    /// What a reader must know to understand the figure; empty for most.
    package var remark: String

    package init(_ name: String, _ unit: String, _ samples: [Double], target: Target? = nil, remark: String = "") {
        precondition(!samples.isEmpty, "\(name) was not measured")
        self.name = name
        self.unit = unit
        self.samples = samples
        self.target = target
        self.remark = remark
    }

    /// The middle value; of an even number the mean of the two in the middle.
    package var median: Double {
        let sorted = samples.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    package var range: ClosedRange<Double> { (samples.min() ?? 0)...(samples.max() ?? 0) }
}

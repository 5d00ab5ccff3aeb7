// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One measured quantity: what was seen in every run, and what is wanted.
struct Figure {
    /// What a figure should be; a wish that the table shows, not a gate.
    enum Target {
        case atMost(Double)
        case atLeast(Double)

        func isMet(by value: Double) -> Bool {
            switch self {
            case .atMost(let limit): value <= limit
            case .atLeast(let limit): value >= limit
            }
        }
    }

    /// What was measured, with all that was varied: `1 k flows, crafted · tcx · default`.
    var name: String
    /// `ns/packet`, `flows/s`, `bytes`, `× floor`.
    var unit: String
    /// One value per run, in the order of the runs.
    var samples: [Double]
    var target: Target?
    /// What a reader must know to understand the figure; empty for most.
    var remark: String

    init(_ name: String, _ unit: String, _ samples: [Double], target: Target? = nil, remark: String = "") {
        precondition(!samples.isEmpty, "\(name) was not measured")
        self.name = name
        self.unit = unit
        self.samples = samples
        self.target = target
        self.remark = remark
    }

    /// The middle value; of an even number the mean of the two in the middle.
    var median: Double {
        let sorted = samples.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    var range: ClosedRange<Double> { (samples.min() ?? 0)...(samples.max() ?? 0) }
}

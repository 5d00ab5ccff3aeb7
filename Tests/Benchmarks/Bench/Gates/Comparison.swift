// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What is measured against what is accepted, gauge by gauge; or, when it records, accepting all of it.
package struct Comparison {
    package private(set) var thresholds: Thresholds
    /// What fails `make gates`; empty when all is well.
    package private(set) var complaints: [String] = []
    private let records: Bool
    private var measured: Set<String> = []
    private var isComplete = true

    package init(_ thresholds: Thresholds, records: Bool) {
        self.thresholds = thresholds
        self.records = records
    }

    /// The line of the table.
    package mutating func compare(_ gauge: Gauge) -> String {
        let before =
            thresholds[gauge.figure].map { "accepted \(Thresholds.short($0.accepted)) + \(Thresholds.short($0.tolerance)) %" } ?? "new"
        measured.insert(gauge.figure)
        if records {
            thresholds.accept(gauge)
        } else if let complaint = thresholds.complaint(gauge) {
            complaints.append(complaint)
        }
        return "\(gauge.figure.padded(to: 46)) \(Report.number(gauge.value).padded(to: 10, left: true)) \(gauge.unit.padded(to: 24)) \(before)"
    }

    /// A gate that could not be measured guards nothing, so it fails, unless the machine can never measure it.
    package mutating func skip(_ gate: String, _ reason: String, isAllowed: Bool) -> String {
        isComplete = false
        if !isAllowed { complaints.append("\(gate): not measured: \(reason)") }
        return "\(gate): skipped: \(reason)"
    }

    /// After the last gate: lines of figures that none of them measured. A skipped gate leaves open which are its own.
    package mutating func finish() -> [String] {
        guard isComplete else { return [] }
        if records { return thresholds.forget(unlessIn: measured).map { "\($0): taken out, no gate measures it any longer" } }
        complaints += thresholds.complaints(unlessIn: measured)
        return []
    }
}

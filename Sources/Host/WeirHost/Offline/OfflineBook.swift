// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirCapture
internal import WeirKit

/// The books after a run, as text and by line: seen = in map + Σ not counted; taken = series + Σ not exported + held.
enum OfflineBook {
    /// The lines of the pipeline's book, by the names that `expect: books:` uses.
    static let lines: [(name: String, metric: String, label: String?)] = [
        ("taken", "weir_pipeline_taken", nil), ("series", "weir_pipeline_series", nil),
        ("not_exported.covered", "weir_pipeline_not_exported", "covered"), ("not_exported.filtered", "weir_pipeline_not_exported", "filtered"),
    ]

    static func amount(_ line: (name: String, metric: String, label: String?), of run: borrowing OfflineRun) -> Amount {
        Amount(bytes: run.count("\(line.metric)_bytes_total", line.label), packets: run.count("\(line.metric)_packets_total", line.label))
    }

    /// Whole numbers in columns: the same on every machine, and easy to compare. `kernel` for packets; flows have none.
    static func text(_ run: borrowing OfflineRun, kernel: KernelBook? = nil) -> String {
        var rows: [[String]] = []
        func add(_ name: String, _ amount: Amount) { rows.append(["  " + name, String(amount.bytes), String(amount.packets)]) }
        if let kernel {
            rows.append(["kernel book", "bytes", "packets"])
            add("seen", kernel.seen)
            add("in map", kernel.inMap)
            if kernel.orphanFragments > 0 { rows.append(["  fragments without ports", "", String(kernel.orphanFragments)]) }
            for reason in NotCountedReason.allCases where kernel[reason].packets > 0 { add("not_counted.\(reason.name)", kernel[reason]) }
        }
        rows.append(["pipeline book", "bytes", "packets"])
        for line in lines { add(line.name, amount(line, of: run)) }
        return TextTable.text(rows, numbers: 2)
            + "\(CheckCommand.count(run.windows, "window")), \(CheckCommand.count(Int(run.count("weir_pipeline_flows_total")), "flow"))\n"
    }
}

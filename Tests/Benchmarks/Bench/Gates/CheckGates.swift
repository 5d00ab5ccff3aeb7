// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FoundationEssentials

/// `make gates` and `make bench-record`.
struct CheckGates: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gates", abstract: "Compares what does not depend on the machine's load with the accepted values.")

    @Flag(help: "Accept what is measured: writes the file of thresholds.")
    var record = false
    @Option(help: "The file of thresholds.")
    var thresholds = Thresholds.path
    @Flag(name: .customLong("allow-skipped"), help: "A gate that cannot be measured here is no failure.")
    var allowsSkipped = false

    func run() throws {
        var accepted = record && !FileManager.default.fileExists(atPath: thresholds) ? try Thresholds("", file: thresholds) : try .read(thresholds)
        var complaints: [String] = []
        for gate in Bench.gates {
            let gauges: [Gauge]
            do { gauges = try gate.measure() } catch let skipped as Skipped {
                print("\(gate.name): skipped: \(skipped)")
                if !allowsSkipped { complaints.append("\(gate.name): not measured: \(skipped)") }
                continue
            }
            for gauge in gauges {
                let complaint = accepted.complaint(gauge)
                let before = accepted[gauge.figure].map { "accepted \(Thresholds.short($0.accepted)) + \(Thresholds.short($0.tolerance)) %" } ?? "new"
                print(
                    "\(gauge.figure.padded(to: 46)) \(Report.number(gauge.value).padded(to: 10, left: true)) \(gauge.unit.padded(to: 20)) \(before)")
                if record { accepted.accept(gauge) } else if let complaint { complaints.append(complaint) }
            }
        }
        if record {
            try Data(accepted.text.utf8).write(to: URL(filePath: thresholds), options: .atomic)
            print("written: \(thresholds)")
        }
        guard complaints.isEmpty else {
            for complaint in complaints { print("error: \(complaint)") }
            throw ExitCode.failure
        }
    }
}

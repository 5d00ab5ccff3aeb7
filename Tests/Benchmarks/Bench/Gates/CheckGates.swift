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

    func run() throws {
        let accepted = record && !FileManager.default.fileExists(atPath: thresholds) ? try Thresholds("", file: thresholds) : try .read(thresholds)
        var comparison = Comparison(accepted, records: record)
        for gate in Bench.gates {
            do {
                for gauge in try gate.measure() { print(comparison.compare(gauge)) }
            } catch let skipped as Skipped {
                print(comparison.skip(gate.name, skipped.description, isAllowed: skipped.isForGood))
            }
        }
        for line in comparison.finish() { print(line) }
        guard comparison.complaints.isEmpty else {
            for complaint in comparison.complaints { print("error: \(complaint)") }
            throw ExitCode.failure
        }
        guard record else { return }
        try Data(comparison.thresholds.text.utf8).write(to: URL(filePath: thresholds), options: .atomic)
        print("written: \(thresholds)")
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `make bench`: what the agent costs, as one table.
@main
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir-bench", abstract: "Measures what the agent costs.", subcommands: [Measure.self, CheckGates.self, WorkloadCommand.self],
        defaultSubcommand: Measure.self)

    /// In the order of the table.
    static var sections: [any Section] {
        [
            KernelSection(), PipelineSection(), ScrapeSection(), OTLPSection(), RecordsSection(), TapSection(), KubernetesSection(), NamesSection(),
            ConntrackSection(),
            MemorySection(), ClusterSection(), ThroughputSection(),
        ]
    }
    /// What `make gates` compares with the accepted values.
    static var gates: [any Gate] { [PipelineGate(), ProgramGate()] }
}

/// Runs sections and prints their figures as they come.
struct Measure: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints medians and ranges, section by section.",
        discussion: """
            Example: weir-bench --section pipeline --runs 9
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Option(name: .customLong("section"), help: "Only this section; may be given more than once.")
    var chosen: [String] = []
    @Option(help: "text, a line per figure as it is known; or json, all at the end.")
    var format = Format.text
    @Option(help: "Runs per figure.")
    var runs = 5
    @Flag(name: .customLong("quick"), help: "Only the figures that have a target, in fewer runs.")
    var isQuick = false
    @Option(help: "The agent under test.")
    var weir = ".build/release/weir"
    @Option(help: "The folder of gen, floor and obj/.")
    var floor = ".build/floor"

    func validate() throws {
        let known = Bench.sections.map(\.name)
        for name in chosen where !known.contains(name) {
            throw ValidationError("no section '\(name)'; there are \(known.joined(separator: ", "))")
        }
        guard runs > 0 else { throw ValidationError("--runs must be 1 or more") }
    }

    func run() throws {
        let setting = Setting(isQuick: isQuick, runs: isQuick ? min(runs, 3) : runs, weir: weir, floor: floor)
        var report = Report(machine: Machine.facts)
        say(report.machine.map { "\($0.name): \($0.value)" }.joined(separator: ", "))
        for section in Bench.sections where chosen.isEmpty || chosen.contains(section.name) {
            var part = Report.Part(section: section.name, abstract: section.abstract)
            say("\n\(section.name): \(section.abstract)")
            do {
                try section.run(setting) { figure in
                    // What a section could not leave out because other figures need it.
                    if isQuick, figure.target == nil { return }
                    part.figures.append(figure)
                    say(Report.line(figure))
                }
            } catch let skipped as Skipped {
                part.skipped = skipped.description
                say("  skipped: \(skipped)")
            }
            report.parts.append(part)
        }
        if format == .json { print(report.json, terminator: "") }
    }

    private func say(_ line: String) {
        if format == .text { print(line) }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
package import WeirKit
internal import WeirPipeline

/// `weir check`: reads and builds everything, starts nothing.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Says whether the configuration is right, as any user, without starting anything.",
        discussion: """
            Prints every problem with file, line and column, and exits 1 when there is one. Opens files, no sockets.

            With --queries it also reads rules of Prometheus, dashboards of Grafana (JSON) and files of plain PromQL, and warns of what was
            right with another agent and is not here: sums divided by 2, names that are other ones.

            Example: weir check --config /etc/weir
            Example: weir check --config /etc/weir --queries rules/*.yaml dashboards/*.json
            """)

    @OptionGroup var location: ConfigurationOption
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Files with queries over Weir's metrics: .yaml, .yml, .rules and .json; any other is plain PromQL.", valueName: "file"))
    var queries: [String] = []

    func run() throws {
        let (configuration, _) = try Self.load(location)
        let assembly = Assembly(configuration, registry: MetricRegistry(), log: ConfigurationLoader.silent)
        for warning in configuration.warnings(of: assembly.plan) { Output.error("warning: \(warning)\n") }
        let files = configuration.files.count
        let subject = files == 0 ? "no configuration; the defaults are" : files == 1 ? "\(configuration.files[0]) is" : "\(files) files are"
        let tests = configuration.tests.isEmpty ? "" : ", \(Self.count(configuration.tests.count, "test"))"
        Output.text(
            "\(subject) fine: \(Self.count(configuration.enrichers.count, "enricher")), \(Self.count(configuration.exporterCount, "exporter"))\(tests)\n"
        )
        try Self.check(queries, configuration)
    }

    /// A file of queries is read up to here.
    private static let mostBytes = 16 << 20

    /// Warns on standard error; a file that cannot be read is a failure.
    private static func check(_ paths: [String], _ configuration: Configuration) throws(CommandFailure) {
        guard !paths.isEmpty else { return }
        var check = QueryCheck(configuration)
        let texts = SourceTexts()
        for path in paths {
            do throws(SystemFile.ReadError) {
                let bytes = try SystemFile.read(path, limit: mostBytes)
                texts.keep(bytes, as: path)
                check.add(bytes, as: path)
            } catch {
                throw CommandFailure(status: .user, message: "\(path): could not be read: \(error)\n")
            }
        }
        let found = check.run()
        for warning in found.warnings { Output.error(ProblemReport.text("warning", warning.message, at: warning.position, texts)) }
        if found.leftOut > 0 { Output.error("… and \(count(found.leftOut, "more warning"))\n") }
        let queries = "\(found.queries) \(found.queries == 1 ? "query" : "queries")"
        Output.text(
            "\(count(paths.count, "file")) with \(queries), \(found.ours) over metrics of Weir: \(count(found.warnings.count + found.leftOut, "warning"))\n"
        )
    }

    /// The configuration, or a failure with every problem in it.
    static func load(_ location: ConfigurationOption) throws(CommandFailure) -> (Configuration, ConfigFiles) {
        switch ConfigurationLoader.forLooking(location.asked, WeirHost.plugins).load() {
        case .good(let configuration, let files): return (configuration, files)
        case .bad(let problems, let texts): throw CommandFailure(status: .user, message: report(problems, texts))
        }
    }

    static func report(_ problems: [ConfigProblem], _ texts: SourceTexts) -> String {
        ProblemReport.text(problems, texts) + "\(count(problems.count, "problem")); nothing was started\n"
    }

    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}

extension WeirHost {
    /// What `weir check` finds, for the tests of an agent's own plugins and of this one: the problems, and the text
    /// that the user sees.
    package static func problems(at path: String, plugins: [PluginEntry]) -> (problems: [ConfigProblem], report: String) {
        switch ConfigurationLoader.forLooking(path, plugins).load() {
        case .good: ([], "")
        case .bad(let problems, let texts): (problems, CheckCommand.report(problems, texts))
        }
    }
}

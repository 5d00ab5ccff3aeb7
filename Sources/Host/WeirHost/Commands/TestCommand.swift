// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
public import WeirKit

/// `weir test`: the cases beside the configuration.
struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Runs the cases beside the configuration: these flows in, these series and records out.",
        discussion: """
            Cases stand under 'tests:' in the configuration, or are folders in 'tests' beside it, each with in.jsonl or
            in.pcap and out.jsonl or out.prom. Needs neither root nor network. Exits 1 when a case fails.

            Example: weir test --config /etc/weir
            Example: weir test --config /etc/weir 'payments *' --record
            """)

    @Argument(help: "Cases by name; a name may hold * and ?. (default: all)")
    var names: [String] = []
    @OptionGroup var location: ConfigurationOption
    @Option(help: ArgumentHelp("The folder with the case folders. (default: tests, beside the configuration)", valueName: "folder"))
    var cases: String?
    @Flag(help: "Write the expectation files of case folders anew, with what comes out.")
    var record = false

    func run() throws {
        let (path, folder, names, isRecording, plugins) = (location.asked, cases, names, record, WeirHost.plugins)
        Blocking.run {
            let suite = CaseSuite(configuration: path, folder: folder, plugins: plugins, isRecording: isRecording)
            leave(await CaseReport.run(suite, names: names, isRecording: isRecording))
        }
    }
}

/// What `weir test` prints.
enum CaseReport {
    static func run(_ suite: CaseSuite, names: [String], isRecording: Bool) async -> ExitStatus {
        if suite.problemCount > 0 {
            Output.error(suite.report + "\(CheckCommand.count(suite.problemCount, "problem")); no case was run\n")
            return .user
        }
        let known = suite.cases.map(\.test.name)
        if known.isEmpty {
            Output.error("no cases: write some under 'tests:' in the configuration, or folders in 'tests' beside it\n")
            return .user
        }
        let globs = names.map { Glob($0) }
        for (name, glob) in zip(names, globs) where !known.contains(where: { glob.matches($0) }) {
            Output.error("no case is called '\(name)'\(Suggestion.suffix(for: name, among: known))\n")
            return .user
        }
        var failed = 0
        var count = 0
        for item in suite.cases where globs.isEmpty || globs.contains(where: { $0.matches(item.test.name) }) {
            count += 1
            do throws(SystemError) {
                let (differences, written) = try await item.run(isRecording: isRecording)
                if !differences.isEmpty { failed += 1 }
                let place = item.test.folder ?? item.test.position.description
                Output.text(differences.isEmpty ? "ok    \(item.test.name)\n" : "FAIL  \(item.test.name)  (\(place))\n")
                for line in differences { Output.text("    \(line)\n") }
                for path in written { Output.text("      wrote \(path)\n") }
            } catch {
                Output.error("\(item.test.name): could not be written: \(error)\n")
                return .machine
            }
        }
        Output.text("\(CheckCommand.count(count, "case")): \(count - failed) passed, \(failed) failed\n")
        return failed == 0 ? .fine : .user
    }
}

extension WeirHost {
    /// The case folders in `folder`, by their paths, for tests of one's own plugins. Where `folder` cannot be read it is itself the
    /// only one, so that running it says why: a test over no cases would pass.
    public static func caseFolders(in folder: String) -> [String] {
        guard let names = try? SystemFile.names(in: folder) else { return [folder] }
        return names.filter { !$0.hasPrefix(".") }.sorted().map { FilePath.join(folder, $0) }
    }

    /// Runs a case folder that holds its own `config.yaml`, as `weir test` does, with these plugins; what is otherwise than expected or
    /// wrong with the case, as lines, none when it passed. `isRecording` writes the expectation files anew.
    public static func differences(inCase folder: String, plugins: [PluginEntry], isRecording: Bool = false) async -> [String] {
        let name = folder.split(separator: "/").last.map(String.init) ?? folder
        let suite = CaseSuite(only: folder, name: name, plugins: plugins, isRecording: isRecording)
        if suite.problemCount > 0 { return [suite.report] }
        var lines = suite.cases.isEmpty ? ["\(folder) holds no case"] : []
        for item in suite.cases {
            do throws(SystemError) {
                let found = try await item.run(isRecording: isRecording).differences
                if !found.isEmpty { lines += [item.test.name] + found }
            } catch {
                lines.append("\(item.test.name): could not be written: \(error)")
            }
        }
        return lines
    }
}

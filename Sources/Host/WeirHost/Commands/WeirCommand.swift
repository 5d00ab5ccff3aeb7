// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `weir`, and what it can do.
struct WeirCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir",
        abstract: "Measures the traffic of a host: every byte once, every byte named.",
        discussion: """
            Example: weir check --config /etc/weir && sudo weir run --config /etc/weir

            Exit codes: 0 fine, 1 the user's mistake, 2 the machine's, 3 weir's own.
            """,
        version: Version.text,
        subcommands: [
            RunCommand.self, CheckCommand.self, ExplainCommand.self, TestCommand.self, ReplayCommand.self, TapCommand.self, PluginsCommand.self,
        ])

    /// As ArgumentParser's own, but with our exit codes: it would say 64 for a mistake on the command line.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as CommandFailure {
            Output.error(failure.message)
            leave(failure.status)
        } catch {
            let code = exitCode(for: error)
            let message = fullMessage(for: error)
            if code == .success {
                Output.text(message.isEmpty ? "" : message + "\n")
                leave(.fine)
            }
            Output.error(message + "\n")
            // What the parser did not foresee is no slip on the command line.
            leave(code == .validationFailure ? .user : .weir)
        }
    }
}

/// Where the configuration stands, for every command that reads it.
struct ConfigurationOption: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp("A file, or a folder with weir.yaml and plugins.d. (default: $WEIR_CONFIG, else /etc/weir)", valueName: "path"))
    var path: String?

    /// What the user asked for; nil for the standard folder, which may be missing.
    var asked: String? { path ?? SystemFacts.environment["WEIR_CONFIG"].flatMap { $0.isEmpty ? nil : $0 } }
}

/// What commands print.
enum Output {
    static func text(_ text: String) { write(text, to: 1) }
    static func error(_ text: String) { write(text, to: 2) }

    /// Nobody is left to be told when the reader of a pipe went away.
    private static func write(_ text: String, to file: Int32) { try? SystemFile.write(Array(text.utf8), to: file) }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FakeKubernetes

/// An API server for tests that are scripts: what it holds and what goes wrong stands in a file, or comes on standard input.
@main
struct FakeKubernetesProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir-fake-kubernetes", abstract: "An API server that does what a script of JSON lines says.",
        discussion: "Prints 'listening on http://…' when it can be asked, and 'done' behind the last line of the script.")

    @Option(help: "The address to listen at.")
    var address = "127.0.0.1"
    @Option(help: "The port; 0 lets the kernel choose.")
    var port: UInt16 = 0
    @Option(help: "Milliseconds between two bookmarks of a watch.")
    var bookmarks = 1000
    @Flag(help: "Also do what comes on standard input, line by line, and end with it.")
    var stdin = false
    @Argument(help: "Scripts of JSON lines, done one behind the other before anything is answered, up to the first line with a time.")
    var scripts: [String] = []

    func run() async throws {
        var commands: [FakeCommand] = []
        for path in scripts { commands += try Self.commands(of: try Lines.read(path), path) }
        let server = try FakeKubernetes(address: address, port: port, bookmarks: .milliseconds(bookmarks))
        let start = commands.firstIndex { $0.at != nil } ?? commands.count
        for command in commands[..<start] { await server.perform(command.action) }
        say("listening on \(server.url)")
        let zero = ContinuousClock.now
        for command in commands[start...] {
            if let at = command.at { try await Task.sleep(until: zero + at) }
            await server.perform(command.action)
        }
        say("done")
        if stdin {
            while let line = readLine() {
                guard !line.allSatisfy(\.isWhitespace) else { continue }
                do { await server.perform(try FakeCommand(line).action) } catch { say("error: \(error)") }
                say("ok")
            }
            return server.stop()
        }
        server.serve()
    }

    private static func commands(of lines: [String], _ path: String) throws -> [FakeCommand] {
        try lines.enumerated().compactMap { number, line in
            if line.allSatisfy(\.isWhitespace) || line.hasPrefix("#") { return nil }
            do { return try FakeCommand(line) } catch { throw ValidationError("\(path):\(number + 1): \(error)") }
        }
    }

    /// At once, for the script that waits for it.
    private func say(_ line: String) { Lines.say(line) }
}

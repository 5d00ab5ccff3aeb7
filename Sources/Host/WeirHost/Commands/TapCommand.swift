// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WeirKit

/// `weir tap`: the enriched flows of the agent that runs here, as they come.
struct TapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tap",
        abstract: "Shows the enriched flows of the agent that runs on this host, as they come.",
        discussion: """
            Asks the agent at its socket, as root or as a member of the group weir,
            four at the most. What is shown is what the configuration captures and
            counts: behind its filter, and without what other agents count. What it
            does not capture is said. The agent waits for nobody: who reads too
            slowly is told how many records are missing. Ends with the agent, after
            --count records, after --duration, by Ctrl-C, or when nobody reads.

            Example: sudo weir tap --filter 'traffic.scope == "internet"' --columns src.owner.name,dst.address
            Example: sudo weir tap --explain --count 10
            Example: sudo weir tap --format json --duration 1m > minute.jsonl
            """)

    @Option(help: ArgumentHelp("The agent's socket, tap.socket in its configuration.", valueName: "path"))
    var socket = TapOptions.standardSocket
    @Option(help: ArgumentHelp("Flows to show, as in a configuration: docs/configuration.md.", valueName: "expression"))
    var filter: String?
    @Option(
        help: ArgumentHelp("Attributes to show, also as k8s.*; all that are captured unless written.", valueName: "attribute,…"),
        transform: { $0.split(separator: ",").map { String($0.filter { $0 != " " }) } })
    var columns: [[String]] = []
    @Option(help: ArgumentHelp("table for people, json for programs.", valueName: "format"), transform: Self.format)
    var format: Tap.Format = .table
    @Option(help: ArgumentHelp("Stop after so many records.", valueName: "number"), transform: Self.count)
    var count: UInt64?
    @Option(help: ArgumentHelp("Stop after this time.", valueName: "duration"), transform: RunCommand.duration)
    var duration: Duration?
    @Flag(help: "Say of each attribute which stage answered, and which would have.")
    var explain = false

    private static func format(_ text: String) throws -> Tap.Format {
        guard let found = Tap.Format(configText: text) else {
            throw ValidationError(
                "'\(text)' is not \(Tap.Format.example)\(Suggestion.suffix(for: text, among: Tap.Format.allCases.map(\.rawValue)))")
        }
        return found
    }

    private static func count(_ text: String) throws -> UInt64 {
        guard let number = UInt64(text), number > 0 else { throw ValidationError("'\(text)' is not a number of records, from 1") }
        return number
    }

    func run() throws {
        if let objection = TapOptions.objection(to: socket) { throw ValidationError(objection) }
        var request = TapRequest()
        request.filter = filter
        request.columns = columns.flatMap { $0 }.filter { !$0.isEmpty }
        request.explains = explain
        guard request.line.count <= TapRequest.maxBytes else {
            throw ValidationError("filter and columns are too long: a request has at most \(TapRequest.maxBytes) bytes")
        }
        Signals.block()
        let connection = try TapClient.connect(to: socket)
        let tap = Tap(connection, request, format: format, count: count)
        DedicatedThread.start("weir-tap") {
            let ending = tap.run()
            Output.error(ending.messages)
            leave(ending.status)
        }
        // Ctrl-C and the end of the time are the usual ends, and no failures.
        _ = Signals.next(within: duration)
        tap.stop()
        // What is being written is written; a reader who takes nothing is not waited for.
        _ = Signals.next(within: .seconds(1))
        leave(.fine)
    }
}

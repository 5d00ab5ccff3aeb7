// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc
internal import WeirKit

/// `weir replay`: packets or flows of a file through the configuration, without kernel, root, clock or network.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Runs the packets or flows of a file through the configuration, as any user.",
        discussion: """
            FILE is pcap or pcapng (tcpdump -w), or JSON lines as the json_lines exporter writes them; its content decides.
            The same file and configuration print the same bytes. Nothing is written but the output: exporters of the
            configuration say what is shown, and do not run. Stages that would ask the network know what their
            configuration holds; names in JSON lines stand where no stage has an answer.

            Example: tcpdump -i any -w - -c 1000 | weir replay - --config /etc/weir
            Example: weir replay flows.jsonl --config new.yaml --output metrics
            """)

    @Argument(help: "A file of packets or JSON lines; - for standard input.")
    var file: String
    @OptionGroup var location: ConfigurationOption
    @Option(help: ArgumentHelp("What to print: table, metrics, records or books.", valueName: "what"), transform: Self.output)
    var output: Replay.Output = .table
    @Option(
        help: ArgumentHelp(
            "Addresses of the host that saw the traffic: they decide the observer where the file does not say.", valueName: "cidr,…"),
        transform: Self.ranges)
    var local: [[CIDR]] = []

    private static func output(_ text: String) throws -> Replay.Output {
        guard let found = Replay.Output(configText: text) else {
            throw ValidationError(
                "'\(text)' is not \(Replay.Output.example)\(Suggestion.suffix(for: text, among: Replay.Output.allCases.map(\.rawValue)))")
        }
        return found
    }

    /// One `--local` may hold several, and there may be several of them.
    private static func ranges(_ text: String) throws -> [CIDR] {
        try text.split(separator: ",").map { part in
            guard let found = CIDR(configText: String(part)) else { throw ValidationError("'\(part)' is not \(CIDR.example)") }
            return found
        }
    }

    func run() throws {
        let replay = Replay(
            loader: .offline(location.asked, WeirHost.plugins), path: file, output: output, local: local.flatMap { $0 },
            write: { (bytes) throws(SystemError) in try SystemFile.write(bytes, to: 1) })
        Blocking.run {
            let ending = await replay.run()
            Output.error(ending.messages)
            leave(ending.status)
        }
    }
}

/// Commands that have to wait for tasks, from the main thread.
enum Blocking {
    /// `body` ends the process.
    static func run(_ body: @escaping @Sendable () async -> Never) -> Never {
        // The root of all other tasks of the command.
        Task { await body() }
        while true { pause() }
    }
}

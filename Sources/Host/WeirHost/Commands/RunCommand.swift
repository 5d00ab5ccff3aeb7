// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Logging
internal import WeirCapture
internal import WeirKit

/// `weir run`: the agent. The main thread waits for signals; everything else happens on others.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Captures, names and exports the traffic of this host until it is told to stop.",
        discussion: """
            Needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (CAP_NET_RAW for packet sockets); before it counts it
            gives up all that root has beyond them. SIGHUP reads the configuration again, and so does a change of its files
            with reload: watch; SIGTERM and
            Ctrl-C drain everything and leave within 5 s; a second one leaves at once. WEIR_LOG_LEVEL=debug says more.

            Example: sudo weir run --config /etc/weir
            Example: sudo weir run --config /etc/weir/lab.yaml --until 30s --final-metrics -
            """)

    /// From the first signal to the end.
    private static let timeToLeave = Duration.milliseconds(4900)

    @OptionGroup var location: ConfigurationOption
    @Option(help: ArgumentHelp("Stop after this time, as if told to.", valueName: "duration"), transform: Self.duration)
    var until: Duration?
    @Option(help: ArgumentHelp("Write the counters to a file (- for standard output) after the last drain, as Prometheus text.", valueName: "file"))
    var finalMetrics: String?

    static func duration(_ text: String) throws -> Duration {
        guard let duration = Duration(configText: text) else { throw ValidationError("'\(text)' is not \(Duration.example)") }
        return duration
    }

    func run() throws {
        if let problem = LogOptions.problem { throw CommandFailure(status: .user, message: problem) }
        Signals.block()
        ProcessLimits.raiseOpenFiles()
        ProcessLimits.boundThreads()
        let threshold = LineLogHandler.Threshold(.info)
        LogOptions().apply(to: threshold)
        let log = Logger(label: "weir") { LineLogHandler(label: $0, threshold: threshold) }
        let loader = ConfigurationLoader(
            path: location.asked, plugins: WeirHost.plugins, trust: FileTrust(user: SystemFacts.user),
            surroundings: ConfigurationReader.Surroundings(
                log: log, registry: MetricRegistry(began: SystemFacts.unixNanoseconds), routes: HTTPRoutes(reserved: HTTPListener.ownPaths),
                hostName: SystemFacts.hostName, isOutputTerminal: SystemFacts.isOutputTerminal))
        // Before they are read: what changes after is seen.
        let seen = WatchedFiles(at: location.asked)
        switch loader.load() {
        case .bad(let problems, let texts):
            throw CommandFailure(status: .user, message: CheckCommand.report(problems, texts))
        case .good(let configuration, let files):
            let seen = seen.referencing(configuration.referencedFiles)
            if finalMetrics != nil, !configuration.servesPage {
                throw CommandFailure(status: .user, message: "--final-metrics needs an exporter that serves metrics; add prometheus to 'export'\n")
            }
            try makeFinalMetrics()
            SocketFile.join(TapServer.group)
            giveUpRights(configuration.capture.source, log)
            wait(for: Agent(loader, threshold: threshold), configuration, files, seen, log)
        }
    }

    /// A file that cannot be written is better known now than after hours of counting.
    private func makeFinalMetrics() throws {
        guard let finalMetrics, finalMetrics != "-" else { return }
        do throws(SystemError) { try SystemFile.write([], to: finalMetrics) } catch {
            throw CommandFailure(status: .user, message: "could not write '\(finalMetrics)' of --final-metrics: \(error)\n")
        }
    }

    /// Before any other thread starts. A system that does not let it is told of and used all the same: less is safer, not more exact.
    private func giveUpRights(_ source: CaptureSource, _ log: Logger) {
        do throws(CaptureError) { try Capabilities.giveUpTheRest(for: source) } catch {
            log.warning("rights that are not needed were kept", metadata: ["error": "\(error)"])
        }
    }

    /// Starts the agent and hands it every signal.
    private func wait(
        for agent: Agent, _ configuration: Configuration, _ files: ConfigFiles, _ seen: WatchedFiles, _ log: Logger
    ) -> Never {
        let file = finalMetrics
        let limit = until
        // The one loose task of the program: the root of all others. It ends the process.
        Task { leave(await agent.run(configuration, files, seen: seen, finalMetrics: file)) }
        if let limit {
            Task {
                try await Task.sleep(for: limit)
                Signals.stopSelf()
            }
        }
        while Signals.next() != .stop { agent.ask(.reload) }
        agent.ask(.stop)
        let deadline = ContinuousClock.now + Self.timeToLeave
        while true {
            switch Signals.next(within: max(.zero, ContinuousClock.now.duration(to: deadline))) {
            case .stop: leave(.interrupted)
            case .reload: continue
            case nil:
                log.critical("could not stop in time; leaving", metadata: ["after": "\(Self.timeToLeave.configText)"])
                leave(.weir)
            }
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PacketFile
internal import PacketReplay
internal import WeirCapture
internal import WeirKit
internal import WeirPipeline

/// What `weir replay` does, once its command line is read.
struct Replay: Sendable {
    enum Output: String, ConfigChoice {
        /// The largest flows, and the books.
        case table
        /// The series, as the prometheus exporter writes them.
        case metrics
        /// Every record, as json_lines writes it.
        case records
        case books
    }

    let loader: ConfigurationLoader
    var path: String
    var output = Output.table
    var local: [CIDR] = []
    /// Where the output goes.
    let write: @Sendable ([UInt8]) throws(SystemError) -> Void

    /// What is said beside the output: sentences for people, and how the command ends.
    struct Ending: Sendable {
        var status = ExitStatus.fine
        var messages = ""
    }

    func run() async -> Ending {
        let configuration: Configuration
        let files: ConfigFiles
        switch loader.load() {
        case .good(let good, let reader): (configuration, files) = (good, reader)
        case .bad(let problems, let texts): return Ending(status: .user, messages: CheckCommand.report(problems, texts))
        }
        loader.forgetOwnMetrics(of: configuration)
        if output == .metrics, !configuration.servesPage {
            return Ending(status: .user, messages: "--output metrics needs an exporter that serves metrics; add prometheus to 'export'\n")
        }
        do throws(SystemError) {
            var input = try InputFile.open(path)
            let head = try input.peek(4)
            switch Self.kind(head) {
            case .packets: return await packets(input, configuration, files)
            case .lines: return await lines(input, configuration, files)
            case .other(let what): return Ending(status: .user, messages: "\(name): \(what); pcap, pcapng or JSON lines are needed\n")
            }
        } catch {
            return Ending(status: .user, messages: "\(name): could not be read: \(error)\n")
        }
    }

    private var name: String { path == "-" ? "standard input" : path }

    private enum Kind {
        case packets, lines
        case other(String)
    }

    /// Whether bytes begin as a packet file does.
    static func isPacketFile(_ bytes: [UInt8]) -> Bool {
        switch Array(bytes.prefix(4)) {
        case [0xA1, 0xB2, 0xC3, 0xD4], [0xD4, 0xC3, 0xB2, 0xA1], [0xA1, 0xB2, 0x3C, 0x4D], [0x4D, 0x3C, 0xB2, 0xA1], [0x0A, 0x0D, 0x0D, 0x0A],
            [0xA1, 0xB2, 0xCD, 0x34], [0x34, 0xCD, 0xB2, 0xA1]:
            true
        default: false
        }
    }

    /// Decided by the first bytes, whatever the file is called.
    private static func kind(_ head: [UInt8]) -> Kind {
        if isPacketFile(head) { return .packets }
        if head.starts(with: [0x1F, 0x8B]) { return .other("it is compressed; try: zcat FILE | weir replay -") }
        if head == [0x28, 0xB5, 0x2F, 0xFD] { return .other("it is compressed; try: zstdcat FILE | weir replay -") }
        if head.first == UInt8(ascii: "[") { return .other("it begins with '[': one object a line is read, no list") }
        let first = head.first { ![UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n")].contains($0) }
        if first == nil || first == UInt8(ascii: "{") { return .lines }
        return .other("it begins neither as a packet file nor with '{'")
    }

    // MARK: Packets.

    private func packets(_ input: consuming InputFile, _ configuration: Configuration, _ files: ConfigFiles) async -> Ending {
        let sink = Sink(output, configuration, write)
        var run = OfflineRun(configuration, files: files, outputs: sink.instances)
        let options = ReplayOptions(
            window: configuration.capture.window,
            capture: configuration.capture.plan(for: run.plan.keyFields, configuration.accounting, isOffline: true), local: local)
        var ending = Ending()
        var book = KernelBook()
        do {
            var windows: PacketWindows
            if input.isPlainFile {
                if path == "-" { input.rewind() }
                windows = try PacketWindows.open(path: path, options)
            } else {
                try input.becomeStandardInput()
                windows = try PacketWindows.open(path: "-", options)
            }
            do {
                while sink.failure == nil, let window = try windows.next() {
                    book += window.book
                    await run.take(OfflineWindow(window))
                }
            } catch {
                ending = Ending(status: .user, messages: "\(error)\n")
            }
            await run.finish()
            let summary = windows.summary
            var notes = "\(summary.packets) \(summary.packets == 1 ? "packet" : "packets"), \(summary.linkType)"
            if summary.late > 0 { notes += "; \(summary.late) older than their window, counted in the one that was open" }
            if summary.earlyWindows > 0 { notes += "; \(summary.earlyWindows) times the table was full, handed on early" }
            if summary.isMostlyLate, let leap = summary.leap { ending.messages += Self.warning(summary, leap) }
            await sink.finish(&run, kernel: book, notes: notes + "\n", loader, configuration, &ending)
            return ending
        } catch {
            return Ending(status: .user, messages: "\(error)\n")
        }
    }

    /// One stamp in the future, and all that follows is late.
    private static func warning(_ summary: PacketSummary, _ leap: PacketSummary.Leap) -> String {
        "warning: \(summary.late) of \(summary.packets) packets are older than the window that was open when they came, and counted there; "
            + "\(leap.late) of them came behind packet \(leap.packet): where its time is wrong, leave it out (editcap IN OUT \(leap.packet)); "
            + "where the order is, sort the file (reordercap IN OUT)\n"
    }

    // MARK: Lines.

    private func lines(_ input: consuming InputFile, _ configuration: Configuration, _ files: ConfigFiles) async -> Ending {
        let names = RecordedNames()
        var configuration = configuration
        configuration.enrichers = names.behind(configuration.enrichers, catalog: configuration.catalog)
        let sink = Sink(output, configuration, write)
        var run = OfflineRun(configuration, files: files, outputs: sink.instances)
        var lines = FlowLines(
            input, file: name, catalog: configuration.catalog, names: names, window: configuration.capture.window, local: local)
        var ending = Ending()
        do throws(SystemError) {
            while sink.failure == nil, let window = try lines.next() { await run.take(window) }
            if lines.problemCount > 0 { try lines.readOn() }
        } catch {
            ending = Ending(status: .user, messages: "\(name): could not be read: \(error)\n")
        }
        if lines.problemCount > 0 {
            ending.status = .user
            ending.messages = ProblemReport.text(lines.problems, lines.texts)
            let isMore = lines.problems.count >= FlowLines.mostProblems ? " or more" : ""
            ending.messages += "\(CheckCommand.count(lines.problemCount, "problem"))\(isMore); the lines before the first were used\n"
        }
        for (name, count) in lines.unused.sorted(by: { $0.key < $1.key }).prefix(20) {
            let hint = Suggestion.suffix(for: name, among: FlowField.names(in: configuration.catalog))
            ending.messages +=
                "warning: '\(name)' is not used, in \(CheckCommand.count(count, "line")): nothing in this configuration has it\(hint)\n"
        }
        if names.turnedAway > 0 {
            ending.messages += "warning: \(names.turnedAway) ends went without the names of their lines: too many distinct ones\n"
        }
        await run.finish()
        await sink.finish(&run, kernel: nil, notes: "", loader, configuration, &ending)
        return ending
    }
}

extension OfflineWindow {
    init(_ window: FlowWindow) { self.init(range: window.range, isEarly: window.isEarly, flows: window.flows, interfaceNames: window.interfaceNames) }
}

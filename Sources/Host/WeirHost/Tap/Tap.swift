// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
internal import Synchronization
internal import WeirKit

/// What `weir tap` does once it is connected: asks, reads lines, shows them.
package final class Tap: Sendable {
    package enum Format: String, ConfigChoice {
        case table, json
    }

    struct Ending: Sendable {
        var status = ExitStatus.fine
        var messages = ""
    }

    /// A line of an agent is far shorter; whatever else listens there must not fill our memory.
    private static let maxLineBytes = 4 << 20

    private let client: TapClient
    private let request: TapRequest
    private let format: Format
    private let count: UInt64?
    private let isStopped = Atomic<Bool>(false)

    init(_ client: TapClient, _ request: TapRequest, format: Format, count: UInt64?) {
        self.client = client
        self.request = request
        self.format = format
        self.count = count
    }

    /// Ends `run` after what it is writing.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Until the agent, the user, or whoever reads has had enough.
    func run() -> Ending {
        client.ask(request)
        var show = TapShow(
            format, count: count, filter: request.filter, write: { (bytes) throws(SystemError) in try SystemFile.write(bytes, to: 1) },
            tell: { Output.error($0) })
        var rest: [UInt8] = []
        while !isStopped.load(ordering: .relaxed) {
            guard let piece = client.read() else { continue }
            if piece.isEmpty { return show.ending ?? Ending(status: .machine, messages: "weir tap: the agent is gone\n") }
            rest += piece
            guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else {
                if rest.count > Self.maxLineBytes { return Self.stranger("a line without end") }
                continue
            }
            do {
                try show.take(rest[...end])
            } catch let problem as JSONReader.Problem {
                return Self.stranger(problem.message)
            } catch {
                // EPIPE: whoever read has seen enough.
                guard let error = error as? SystemError, error.code != 32 else { return Ending() }
                return Ending(status: .machine, messages: "weir tap: the output could not be written: \(error)\n")
            }
            if let ending = show.ending { return ending }
            rest.removeSubrange(...end)
        }
        return Ending()
    }

    private static func stranger(_ what: String) -> Ending {
        Ending(status: .machine, messages: "weir tap: what listens there does not speak as an agent: \(what)\n")
    }
}

/// Shows what the agent says, some lines at a time.
package struct TapShow {
    private let format: Tap.Format
    private let filter: String?
    private var left: UInt64?
    private var table = TapTable()
    private var hasBegun = false
    /// Set once there is nothing more to show.
    private(set) var ending: Tap.Ending?
    private let write: (_ bytes: [UInt8]) throws(SystemError) -> Void
    private let tell: (String) -> Void

    package init(
        _ format: Tap.Format, count: UInt64?, filter: String?,
        write: @escaping (_ bytes: [UInt8]) throws(SystemError) -> Void, tell: @escaping (String) -> Void
    ) {
        self.format = format
        self.filter = filter
        left = count
        self.write = write
        self.tell = tell
    }

    /// Takes whole lines.
    package mutating func take(_ bytes: ArraySlice<UInt8>) throws {
        var output: [UInt8] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) where ending == nil {
            if line.starts(with: TapLine.recordStart) {
                if format == .json {
                    output += line
                    output.append(UInt8(ascii: "\n"))
                } else if case .record(let record) = try TapLine(Array(line)) {
                    table.add(record)
                }
                if let count = left {
                    left = count - 1
                    if count == 1 { ending = Tap.Ending() }
                }
                continue
            }
            // What the agent says stands where it was said.
            output += table.take()
            if !output.isEmpty { try write(output) }
            output = []
            try obey(TapLine(Array(line)), line)
        }
        output += table.take()
        if !output.isEmpty { try write(output) }
    }

    private mutating func obey(_ line: TapLine, _ bytes: ArraySlice<UInt8>) throws {
        switch line {
        case .header(let header):
            if hasBegun { tell("weir tap: the agent has read its configuration again\n") }
            hasBegun = true
            table.begin(header.columns)
            if !header.notCaptured.isEmpty { tell(notCaptured(header.notCaptured.map(ProblemReport.printable))) }
        case .lost(let count):
            // For programs it is part of what they read.
            if format == .json { try write(bytes + [UInt8(ascii: "\n")]) }
            tell("weir tap: \(CheckCommand.count(Int(clamping: count), "record")) lost: this reader is too slow for all of them\n")
        case .problem(let problem): ending = Tap.Ending(status: Self.status(problem.reason), messages: message(problem))
        case .record: break
        }
    }

    private func notCaptured(_ names: [String]) -> String {
        if names.count == 1 { return "weir tap: \(names[0]): not captured by the running plan; add it to a metric or exporter\n" }
        return "weir tap: not captured by the running plan: \(names.joined(separator: ", ")); add what you need to a metric or exporter\n"
    }

    private static func status(_ reason: TapProblem.Reason) -> ExitStatus {
        switch reason {
        case .filter, .columns, .slow: .user
        case .full, .ended, .timeout, .version: .machine
        case .request: .weir
        }
    }

    /// A filter is shown with a caret, as a configuration is.
    private func message(_ problem: TapProblem) -> String {
        guard problem.reason == .filter, let filter, let column = problem.column else {
            return "weir tap: \(ProblemReport.printable(problem.message))\n"
        }
        let texts = SourceTexts()
        texts.keep(Array(filter.utf8), as: "--filter")
        // Columns count characters; the report's, scalars.
        let scalars = filter.prefix(column - 1).unicodeScalars.count + 1
        return ProblemReport.text("error", problem.message, at: ConfigPosition(file: "--filter", line: 1, column: scalars), texts)
    }
}

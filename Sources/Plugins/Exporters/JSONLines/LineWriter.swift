// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WeirKit

/// Brings whole lines to where the path leads: opened, looked after, rotated, and tried again until the system has taken them.
///
/// A file only ever grows here. Who follows it would take a shorter one for a new one, and read everything a second time; so a line that
/// a full disk tore is completed when there is room, not cut.
///
/// An actor because a write is one long critical section with waits in it; records and metrics take turns.
package actor LineWriter {
    private let path: String
    private let rotation: Rotation?
    private let calls: FileCalls
    private let metrics: Metrics
    private let clock: @Sendable () -> UInt64
    private var file: LineFile?
    /// The agent is leaving, and the reader took nothing for a second: what still comes is not waited for.
    private var hasGivenUp = false
    private var trouble: Talk
    private var rotationTrouble: Talk
    private var nextRotation = ContinuousClock.now
    private var rotationBackoff = Backoff()
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ options: JSONLinesOptions, _ context: PluginContext, _ metrics: Metrics, calls: FileCalls) {
        path = options.path
        rotation = options.rotate.map { Rotation($0, path: options.path) }
        self.calls = calls
        self.metrics = metrics
        clock = context.wallClock
        trouble = Talk(context.log)
        rotationTrouble = Talk(context.log)
    }

    deinit { if let file { calls.close(file.descriptor) } }

    /// Why lines are not all there, and how many are.
    struct Unwritten: Error {
        let reason: String
        let description: String
        let lines: Int
    }

    /// Returns when all of the lines are written. Waits for the disk as long as it takes; ends early only when the task is cancelled, or
    /// when standard output has no reader any more.
    func write(_ lines: [UInt8]) async throws(Unwritten) {
        await takeTurn()
        defer { endTurn() }
        var from = 0
        var isSettled = false
        var backoff = Backoff()
        while from < lines.count {
            do throws(FileError) {
                if hasGivenUp { throw .cancelled }
                if !isSettled {
                    try settle(lines, &from)
                    isSettled = true
                    // All of it may be there by now.
                    continue
                }
                guard let file else { preconditionFailure("settled without a file") }
                let count = try calls.write(file, lines, from)
                if count == 0 {
                    try await waitForReader(of: file)
                    continue
                }
                from += count
                metrics.writtenBytes.add(UInt64(count))
                self.file?.wrote(count, last: lines[from - 1])
                // A disk that takes a part is nearly full, and what comes next may be another day's.
                if file.isRegular { isSettled = false }
            } catch {
                isSettled = false
                try await pause(after: error, lines, &from, &backoff)
            }
        }
        metrics.up.set(1)
        trouble.end("lines are written again", ["path": "\(path)"])
    }

    /// What was open is closed; the next write opens it again.
    func close() async {
        await takeTurn()
        closeFile()
        endTurn()
    }

    // MARK: Before the first byte, and after every failure.

    /// Opens the file, or sees that the one which is open is still where the path leads, and that its end is ours to write to.
    private func settle(_ lines: [UInt8], _ from: inout Int) throws(FileError) {
        if path != "-", let open = file, !calls.leads(path, open.identity) {
            complete(lines, &from, in: open)
            closeFile()
        }
        try lookAtEnd(lines, &from)
        if file == nil {
            // What a file that is gone has of a line is no use to the readers of the next.
            from = lines.restart(from)
            file = try open()
        }
        guard from == lines.startOfLine(from) else { return }
        try mend()
        try rotateIfDue(adding: lines.count - from)
    }

    private func open() throws(FileError) -> LineFile {
        var opened = try path == "-" ? calls.standardOutput() : calls.open(path)
        if rotation != nil, !opened.isRegular || opened.isLink {
            calls.close(opened.descriptor)
            throw .notAFile
        }
        if opened.began == nil { opened.began = clock() }
        metrics.openedFiles.add()
        return opened
    }

    /// A file that was moved away in the middle of a line gets the rest of it, if it has room for that. One that was removed does not:
    /// nobody would read it there.
    private func complete(_ lines: [UInt8], _ from: inout Int, in open: LineFile) {
        guard open.isRegular, from > lines.startOfLine(from), calls.size(open.descriptor) != nil else { return }
        let line = Array(lines[..<lines.endOfLine(from)])
        while from < line.count, let count = try? calls.write(open, line, from), count > 0 {
            from += count
            metrics.writtenBytes.add(UInt64(count))
            file?.wrote(count, last: line[from - 1])
        }
    }

    /// A file that is not as long as we left it was cut (`copytruncate`) or has another writer. A line that we were in the middle of
    /// begins anew there, behind whatever the file ends with now.
    private func lookAtEnd(_ lines: [UInt8], _ from: inout Int) throws(FileError) {
        guard path != "-", var open = file, open.isRegular, let size = calls.size(open.descriptor), size != open.size else { return }
        open.size = size
        if size == 0 { open.began = clock() }
        file = open
        guard open.isTorn else { return }
        from = lines.startOfLine(from)
        calls.close(open.descriptor)
        file = nil
        let opened = try self.open()
        file = opened
        if !opened.isTorn { metrics.tornLines.add() }
    }

    /// Ends a line that was left unfinished by a crash, by an agent that gave up, or by somebody else.
    private func mend() throws(FileError) {
        guard let open = file, open.isTorn else { return }
        guard try calls.write(open, [UInt8(ascii: "\n")], 0) == 1 else { throw .pipeIsFull }
        file?.wrote(1, last: UInt8(ascii: "\n"))
        metrics.writtenBytes.add(1)
        metrics.tornLines.add()
    }

    private func closeFile() {
        guard let open = file else { return }
        if open.isTorn, open.isRegular, path != "-" { metrics.tornLines.add() }
        calls.close(open.descriptor)
        file = nil
    }

    // MARK: Rotation.

    /// A file that cannot be renamed is written on, and tried again later: longer than it should be is better than lost.
    private func rotateIfDue(adding count: Int) throws(FileError) {
        guard let rotation, let current = file, rotation.isDue(current, adding: count, now: clock()) else { return }
        guard ContinuousClock.now >= nextRotation else { return }
        do throws(FileError) {
            // Held until the file is closed. Another exporter that has it, before a reload say, is about to do the same.
            guard calls.lock(current.descriptor) else { return }
            if calls.leads(path, current.identity) {
                try rotation.rotate(path, calls, now: clock())
                metrics.rotations.add()
            }
        } catch {
            failRotation(error)
            return
        }
        closeFile()
        do throws(FileError) {
            metrics.removedFiles.add(UInt64(try rotation.prune(calls)))
            rotationBackoff = Backoff()
            rotationTrouble.end("files are rotated again", ["path": "\(path)"])
        } catch {
            failRotation(error)
        }
        file = try open()
    }

    private func failRotation(_ error: FileError) {
        metrics.failedRotations.add()
        nextRotation = .now + rotationBackoff.next()
        rotationTrouble.warn("the file could not be rotated", ["path": "\(path)", "error": "\(error)"])
    }

    // MARK: Waiting.

    /// Counts and says what went wrong, and waits; throws when there is nothing to wait for.
    private func pause(after error: FileError, _ lines: [UInt8], _ from: inout Int, _ backoff: inout Backoff) async throws(Unwritten) {
        let whole = lines[..<lines.restart(from)].count { $0 == UInt8(ascii: "\n") }
        if case .cancelled = error { throw Unwritten(reason: error.reason, description: "'\(path)' cannot be written: \(error)", lines: whole) }
        metrics.failures(error.reason).add()
        metrics.up.set(0)
        if error.reason == "closed" {
            // Whoever reads next begins with a line.
            closeFile()
            from = lines.startOfLine(from)
            // Nobody can open our standard output again.
            if path == "-" { throw Unwritten(reason: error.reason, description: "standard output cannot be written: \(error)", lines: whole) }
        }
        let wait = backoff.next()
        trouble.warn(
            "lines wait: the file cannot be written",
            ["path": "\(path)", "reason": "\(error.reason)", "error": "\(error)", "next": "\(wait.configText)"])
        await calls.sleep(wait)
        if Task.isCancelled {
            throw Unwritten(reason: "cancelled", description: "the agent leaves, and '\(path)' cannot be written: \(error)", lines: whole)
        }
    }

    /// Waits until a slow reader has taken something, without holding a thread. An agent that is leaving waits
    /// for a second, and not at all once that has passed in vain.
    private func waitForReader(of file: LineFile) async throws(FileError) {
        try? await Task.sleep(for: .milliseconds(20))
        guard Task.isCancelled, !calls.isWritable(file.descriptor, 1000) else { return }
        hasGivenUp = true
        throw .cancelled
    }

    private func takeTurn() async {
        if isTaken { return await withCheckedContinuation { waiting.append($0) } }
        isTaken = true
    }

    private func endTurn() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}

extension [UInt8] {
    /// Where the line begins in whose middle `place` is; `place` itself where a line begins there.
    fileprivate func startOfLine(_ place: Int) -> Int { self[..<place].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0 }

    /// Where another file goes on when `place` is as far as this one came: at the beginning of that line, or behind it where it lacks
    /// nothing but its newline, which no reader needs at the end of a file.
    fileprivate func restart(_ place: Int) -> Int {
        let start = startOfLine(place)
        return place > start && place < count && self[place] == UInt8(ascii: "\n") ? place + 1 : start
    }

    /// Behind the newline of the line that `place` is in.
    fileprivate func endOfLine(_ place: Int) -> Int { self[place...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? count }
}

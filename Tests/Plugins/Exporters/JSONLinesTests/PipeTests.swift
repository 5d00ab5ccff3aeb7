// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSONLinesExporter
internal import Synchronization
internal import PlainJSON
internal import Testing
internal import WeirKit

@Suite("json_lines: pipes")
struct PipeTests {
    /// Larger than a pipe (64 KiB).
    private let large = batch([SelectedAttribute(.ownerName, .source)], (0..<5000).map { (["owner-\($0)"], UInt64($0), 1) })

    @Test("lines wait for a pipe's reader, without a thread")
    func nobody() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        try makePipe(folder.path("pipe"))
        let exporter = exporter(folder.path("pipe"), registry)
        async let exported: Void = exporter.export(record("a").batch)
        try await wait(for: "a failure") { registry.value("weir_json_lines_failures_total", reason: "no_reader") ?? 0 > 0 }
        let reader = try openReader(folder.path("pipe"))
        defer { close(reader) }
        try await exported
        #expect(String(decoding: take(reader), as: UTF8.self) == record("a").line)
    }

    @Test("a slow reader gets every line, in order")
    func slow() async throws {
        let folder = try TemporaryFolder()
        try makePipe(folder.path("pipe"))
        let reader = try openReader(folder.path("pipe"))
        let exporter = exporter(folder.path("pipe"))
        let large = self.large
        async let exported: Void = exporter.export(large)
        var found: [UInt8] = []
        while found.count(where: { $0 == UInt8(ascii: "\n") }) < large.count {
            let piece = take(reader)
            found += piece
            if piece.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        }
        try await exported
        close(reader)
        var lines = RecordLines(large)
        var expected: [UInt8] = []
        for row in large.rows { lines.append(row, to: &expected) }
        #expect(found == expected)
    }

    @Test("the next reader of a pipe begins with a line, the one that its predecessor did not get")
    func gone() async throws {
        // The host ignores it too: a reader's end must not be the agent's.
        signal(SIGPIPE, SIG_IGN)
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        try makePipe(folder.path("pipe"))
        let reader = try openReader(folder.path("pipe"))
        let exporter = exporter(folder.path("pipe"), registry)
        try await exporter.export(record("a").batch)
        close(reader)
        async let exported: Void = exporter.export(record("b").batch)
        try await wait(for: "a failure") { registry.value("weir_json_lines_failures_total", reason: "closed") ?? 0 > 0 }
        let next = try openReader(folder.path("pipe"))
        defer { close(next) }
        try await exported
        #expect(String(decoding: take(next), as: UTF8.self) == record("b").line)
    }

    @Test("nobody opens a closed standard output again: what still comes is lost at once")
    func standardOutput() async throws {
        signal(SIGPIPE, SIG_IGN)
        let folder = try TemporaryFolder()
        try makePipe(folder.path("pipe"))
        let reader = try openReader(folder.path("pipe"))
        var calls = FileCalls.system
        let path = folder.path("pipe")
        calls.standardOutput = { () throws(FileError) in try FileCalls.system.open(path) }
        let exporter = exporter("-", calls: calls)
        try await exporter.export(record("a").batch)
        close(reader)
        let error = await #expect(throws: ExportError.self) { try await exporter.export(record("b").batch) }
        #expect(error?.reason == "closed")
    }

    @Test("an agent that leaves does not wait for a reader for ever")
    func leaving() async throws {
        let folder = try TemporaryFolder()
        try makePipe(folder.path("pipe"))
        let reader = try openReader(folder.path("pipe"))
        defer { close(reader) }
        let exporter = exporter(folder.path("pipe"))
        let large = self.large
        let exporting = Task { () async -> ExportError? in
            do throws(ExportError) { try await exporter.export(large) } catch { return error }
            return nil
        }
        try await Task.sleep(for: .milliseconds(100))
        let waited = await ContinuousClock().measure {
            exporting.cancel()
            #expect(await exporting.value?.reason == "cancelled")
        }
        #expect(waited < .seconds(4))
    }

    @Test("an agent that leaves with many batches waits for a stuck reader once, not once per batch")
    func leavingWithMany() async throws {
        let folder = try TemporaryFolder()
        try makePipe(folder.path("pipe"))
        let reader = try openReader(folder.path("pipe"))
        defer { close(reader) }
        let waits = Atomic(0)
        var calls = FileCalls.system
        calls.isWritable = { _, _ in
            waits.wrappingAdd(1, ordering: .relaxed)
            return false
        }
        let exporter = exporter(folder.path("pipe"), calls: calls)
        let large = self.large
        let exporting = Task { () async -> [String] in
            var reasons: [String] = []
            for _ in 0..<5 {
                do throws(ExportError) { try await exporter.export(large) } catch { reasons.append(error.reason) }
            }
            return reasons
        }
        try await Task.sleep(for: .milliseconds(100))
        exporting.cancel()
        #expect(await exporting.value == ["cancelled", "cancelled", "cancelled", "cancelled", "cancelled"])
        #expect(waits.load(ordering: .relaxed) == 1)
    }

    private struct NoPipe: Error {}

    private func makePipe(_ path: String) throws {
        // The text lives as long as the call; so below.
        guard unsafe mkfifo(path, 0o600) == 0 else { throw NoPipe() }
    }

    private func openReader(_ path: String) throws -> Int32 {
        let reader = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard reader >= 0 else { throw NoPipe() }
        return reader
    }

    /// What is there now, at most 3 000 bytes.
    private func take(_ reader: Int32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 3000)
        // The array is ours alone, and as long as it says.
        let count = unsafe read(reader, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }
}

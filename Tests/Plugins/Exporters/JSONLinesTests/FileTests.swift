// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import JSONLinesExporter
internal import Testing
internal import WeirKit

@Suite("json_lines: files")
struct FileTests {
    @Test("the file is made at the first record, for its owner and group, and appended to")
    func appends() async throws {
        let folder = try TemporaryFolder()
        let first = exporter(folder.path("flows.jsonl"))
        try await first.export(batch([], []))
        #expect(!FileManager.default.fileExists(atPath: folder.path("flows.jsonl")))
        try await first.export(record("a").batch)
        try await first.export(record("b").batch)
        await first.finish()
        try await exporter(folder.path("flows.jsonl")).export(record("c").batch)
        #expect(try folder.text("flows.jsonl") == record("a").line + record("b").line + record("c").line)
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path("flows.jsonl"))[.posixPermissions] as? Int
        #expect(mode.map { $0 & 0o137 } == 0)
    }

    @Test("a line that a crash left torn is ended before the first new one, and counted")
    func crash() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        try folder.write("{\"time\":\"20", to: "flows.jsonl")
        try await exporter(folder.path("flows.jsonl"), registry).export(record("a").batch)
        #expect(try folder.text("flows.jsonl") == "{\"time\":\"20\n" + record("a").line)
        #expect(registry.value("weir_json_lines_torn_lines_total") == 1)
    }

    @Test("a file that was moved or deleted is opened anew, without a signal")
    func moved() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        let exporter = exporter(folder.path("flows.jsonl"), registry)
        try await exporter.export(record("a").batch)
        try FileManager.default.moveItem(atPath: folder.path("flows.jsonl"), toPath: folder.path("flows.jsonl.1"))
        try await exporter.export(record("b").batch)
        try FileManager.default.removeItem(atPath: folder.path("flows.jsonl"))
        try await exporter.export(record("c").batch)
        #expect(try folder.text("flows.jsonl.1") == record("a").line)
        #expect(try folder.text("flows.jsonl") == record("c").line)
        #expect(registry.value("weir_json_lines_opened_files_total") == 3)
    }

    @Test("a file that is emptied under it (copytruncate) begins anew at its beginning")
    func emptied() async throws {
        let folder = try TemporaryFolder()
        let exporter = exporter(folder.path("flows.jsonl"))
        try await exporter.export(record("a").batch)
        TemporaryFolder.empty(folder.path("flows.jsonl"))
        try await exporter.export(record("b").batch)
        #expect(try folder.text("flows.jsonl") == record("b").line)
    }

    @Test("a symbolic link is followed, also one to a file that is not there yet")
    func link() async throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: folder.path("file"))
        try await exporter(folder.path("link")).export(record("a").batch)
        #expect(try folder.text("file") == record("a").line)
    }

    @Test("lines wait for a folder that is not there yet")
    func folder() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        let exporter = exporter(folder.path("later/flows.jsonl"), registry)
        async let exported: Void = exporter.export(record("a").batch)
        try await wait(for: "a failure") { registry.value("weir_json_lines_failures_total", reason: "missing") ?? 0 > 0 }
        #expect(registry.value("weir_json_lines_up") == 0)
        try FileManager.default.createDirectory(atPath: folder.path("later"), withIntermediateDirectories: true)
        try await exported
        #expect(try folder.text("later/flows.jsonl") == record("a").line)
        #expect(registry.value("weir_json_lines_up") == 1)
    }

    @Test("lines wait for a disk with room; a path that leads elsewhere meanwhile is followed")
    func full() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        // A device that says what a full disk says.
        try FileManager.default.createSymbolicLink(atPath: folder.path("flows.jsonl"), withDestinationPath: "/dev/full")
        let exporter = exporter(folder.path("flows.jsonl"), registry)
        async let exported: Void = exporter.export(record("a").batch)
        try await wait(for: "a failure") { registry.value("weir_json_lines_failures_total", reason: "disk_full") ?? 0 > 0 }
        try FileManager.default.removeItem(atPath: folder.path("flows.jsonl"))
        try await exported
        #expect(try folder.text("flows.jsonl") == record("a").line)
    }

    @Test("writes that take only a part are completed")
    func partial() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        var calls = FileCalls.system
        calls.write = { file, bytes, from throws(FileError) in
            try FileCalls.system.write(file, Array(bytes[..<min(bytes.count, from + 7)]), from)
        }
        try await exporter(folder.path("x"), registry, calls: calls).export(record("partial").batch)
        #expect(try folder.text("x") == record("partial").line)
        #expect(registry.value("weir_json_lines_written_bytes_total") == UInt64(record("partial").line.utf8.count))
    }

    @Test("a line that a full disk tore is completed when there is room: the file never gets shorter, and no line comes twice")
    func completed() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        try await exporter(folder.path("x"), registry, calls: .failing(afterBytes: 200)).export(large)
        #expect(try folder.text("x") == largeLines.joined())
        #expect(registry.value("weir_json_lines_torn_lines_total") == 0)
        #expect(registry.value("weir_json_lines_failures_total", reason: "disk_full") == 1)
    }

    @Test("a file that was moved away in the middle of a line gets the rest of it, the next file the rest")
    func movedInALine() async throws {
        let folder = try TemporaryFolder()
        let (path, old) = (folder.path("x"), folder.path("x.1"))
        let registry = MetricRegistry()
        let calls = FileCalls.failing(afterBytes: 200) { try? FileManager.default.moveItem(atPath: path, toPath: old) }
        try await exporter(path, registry, calls: calls).export(large)
        #expect(try folder.text("x.1").hasSuffix("}\n"))
        #expect(try folder.text("x.1") + folder.text("x") == largeLines.joined())
        #expect(registry.value("weir_json_lines_torn_lines_total") == 0)
    }

    @Test("a line in whose middle the file was removed, to make room say, begins anew in the next")
    func removedInALine() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("x")
        let calls = FileCalls.failing(afterBytes: 200) { try? FileManager.default.removeItem(atPath: path) }
        try await exporter(path, calls: calls).export(large)
        #expect(try folder.text("x") == largeLines.dropFirst(200 / largeLines[0].utf8.count).joined())
    }

    @Test("a line in whose middle the file was emptied begins anew")
    func emptiedInALine() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("x")
        let calls = FileCalls.failing(afterBytes: 200) { TemporaryFolder.empty(path) }
        try await exporter(path, calls: calls).export(large)
        let left = try folder.text("x")
        #expect(left.hasPrefix("{\"time\":\""))
        #expect(largeLines.joined().hasSuffix(left))
        #expect(left.split(separator: "\n").count == largeLines.count - 200 / largeLines[0].utf8.count)
    }

    @Test("behind another writer's line the torn one begins anew, on a line of its own")
    func otherWriter() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("x")
        let registry = MetricRegistry()
        let calls = FileCalls.failing(afterBytes: 20) { TemporaryFolder.append("other\n", to: path) }
        try await exporter(path, registry, calls: calls).export(record("torn").batch)
        #expect(try folder.text("x") == record("torn").line.prefix(20) + "other\n" + record("torn").line)
        #expect(registry.value("weir_json_lines_torn_lines_total") == 1)
    }

    @Test("an agent that leaves while a disk is full says how many records had been delivered")
    func leaving() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        let exporter = exporter(folder.path("x"), registry, calls: .failing(afterBytes: 200, recovers: false))
        let exporting = Task { () async -> ExportError? in
            do throws(ExportError) { try await exporter.export(large) } catch { return error }
            return nil
        }
        try await wait(for: "a failure") { registry.value("weir_json_lines_failures_total") ?? 0 > 0 }
        exporting.cancel()
        let error = await exporting.value
        #expect(error?.reason == "cancelled")
        #expect(error?.delivered == 200 / largeLines[0].utf8.count)
        #expect(error?.description == "the agent leaves, and '\(folder.path("x"))' cannot be written: No space left on device (errno 28)")
    }

    private let large = batch([SelectedAttribute(.ownerName, .source)], (10..<60).map { (["n\($0)"], 1, 1) })
    private let largeLines = (10..<60).map { record("n\($0)").line }
}

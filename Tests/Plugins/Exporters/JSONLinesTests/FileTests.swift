// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ByteOutput
internal import FoundationEssentials
internal import JSONLinesExporter
internal import Synchronization
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

    @Test("a line that a crash left torn is ended before the first new one")
    func crash() async throws {
        let folder = try TemporaryFolder()
        try folder.write("{\"time\":\"20", to: "flows.jsonl")
        try await exporter(folder.path("flows.jsonl")).export(record("a").batch)
        #expect(try folder.text("flows.jsonl") == "{\"time\":\"20\n" + record("a").line)
    }

    @Test("a file that was moved or deleted is opened anew, without a signal")
    func rotation() async throws {
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

    @Test("a file that cannot be opened is tried again with the next batch")
    func open() async throws {
        let folder = try TemporaryFolder()
        let exporter = exporter(folder.path("later/flows.jsonl"))
        let error = await #expect(throws: ExportError.self) { try await exporter.export(record("a").batch) }
        #expect(error?.reason == "open")
        #expect(error?.description == "'\(folder.path("later/flows.jsonl"))' cannot be opened: No such file or directory (errno 2)")
        try FileManager.default.createDirectory(atPath: folder.path("later"), withIntermediateDirectories: true)
        try await exporter.export(record("b").batch)
        #expect(try folder.text("later/flows.jsonl") == record("b").line)
    }

    @Test("a full disk is told as such")
    func full() async throws {
        let exporter = exporter("/dev/full")
        for _ in 0..<2 {
            let error = await #expect(throws: ExportError.self) { try await exporter.export(record("a").batch) }
            #expect(error?.reason == "disk_full")
        }
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

    @Test("a batch that fails half-way is taken back, and the next one is whole")
    func takenBack() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        let exporter = exporter(folder.path("x"), registry, calls: .failing(afterBytes: 200))
        try await exporter.export(record("before").batch)
        let large = batch([SelectedAttribute(.ownerName, .source)], (0..<50).map { (["n\($0)"], 1, 1) })
        let error = await #expect(throws: ExportError.self) { try await exporter.export(large) }
        #expect(error?.reason == "disk_full")
        #expect(try folder.text("x") == record("before").line)
        try await exporter.export(record("after").batch)
        #expect(try folder.text("x") == record("before").line + record("after").line)
        #expect(registry.value("weir_json_lines_torn_lines_total") == 0)
    }

    @Test("with another writer at the file nothing is cut, and the next batch starts on a line of its own")
    func otherWriter() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        var calls = FileCalls.failing(afterBytes: 20)
        // The file is longer by one each time it is looked at.
        let looks = Atomic(0)
        calls.size = { descriptor in FileCalls.system.size(descriptor).map { $0 + looks.wrappingAdd(1, ordering: .relaxed).newValue } }
        calls.truncate = { _, _ in
            Issue.record("cut another writer's lines")
            return false
        }
        let exporter = exporter(folder.path("x"), registry, calls: calls)
        await #expect(throws: ExportError.self) { try await exporter.export(record("torn").batch) }
        try await exporter.export(record("whole").batch)
        #expect(try folder.text("x") == record("torn").line.prefix(20) + "\n" + record("whole").line)
        #expect(registry.value("weir_json_lines_torn_lines_total") == 1)
    }
}

extension FileCalls {
    /// A disk that takes so many bytes, is full once, and then has room again.
    static func failing(afterBytes limit: Int) -> FileCalls {
        final class Disk: Sendable {
            let room: Mutex<Int?>
            init(_ room: Int) { self.room = Mutex(room) }
        }
        let disk = Disk(limit)
        var calls = FileCalls.system
        calls.write = { file, bytes, from throws(FileError) in
            guard let room = disk.room.withLock({ $0 }) else { return try FileCalls.system.write(file, bytes, from) }
            if room == 0 {
                disk.room.withLock { $0 = nil }
                throw .refused(OutputError(code: 28))
            }
            let count = try FileCalls.system.write(file, Array(bytes[..<min(bytes.count, from + room)]), from)
            disk.room.withLock { $0 = room - count }
            return count
        }
        return calls
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import JSONLinesExporter
internal import Synchronization
internal import Testing
internal import WeirKit
internal import WeirTesting

@Suite("json_lines: rotation")
struct RotationTests {
    @Test("by size: no file is longer than that, none is empty, and all in order are what was written")
    func size() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        let exporter = exporter(folder.path("flows.jsonl"), registry, rotate: rotating(size: 1000))
        for number in 0..<50 { try await exporter.export(record("n\(number)").batch) }
        await exporter.finish()
        let names = try folder.names()
        #expect(names.count > 3)
        #expect(names.first == "flows-2026-01-02T03-04-05.678Z.jsonl")
        // Of one moment, and yet in order.
        #expect(names[1] == "flows-2026-01-02T03-04-05.679Z.jsonl")
        #expect(names.last == "flows.jsonl")
        for name in names { #expect((1...1000).contains(try folder.text(name).utf8.count)) }
        #expect(try names.map { try folder.text($0) }.joined() == (0..<50).map { record("n\($0)").line }.joined())
        #expect(registry.value("weir_json_lines_rotations_total") == UInt64(names.count - 1))
    }

    @Test("a batch that is longer than a file goes over several")
    func longBatch() async throws {
        let folder = try TemporaryFolder()
        let exporter = exporter(folder.path("flows"), rotate: rotating(size: 1000))
        try await exporter.export(batch([SelectedAttribute(.ownerName, .source)], (0..<100).map { (["n\($0)"], 1, 1) }))
        let names = try folder.names()
        // The name without an ending is the shortest, and comes first.
        #expect(names.first == "flows")
        #expect(try (names.dropFirst() + ["flows"]).map { try folder.text($0) }.joined() == (0..<100).map { record("n\($0)").line }.joined())
        for name in names { #expect(try folder.text(name).utf8.count <= 1000) }
    }

    @Test("by age, from the time in the first line on: so a restart does not make a file younger")
    func age() async throws {
        let folder = try TemporaryFolder()
        let now = Mutex(moment)
        func restarted() -> JSONLinesExporter { exporter(folder.path("f.jsonl"), rotate: rotating(age: .seconds(60))) { now.withLock { $0 } } }
        try await restarted().export(record("a").batch)
        now.withLock { $0 += 59_999_000_000 }
        try await restarted().export(record("b").batch)
        #expect(try folder.names() == ["f.jsonl"])
        now.withLock { $0 += 1_000_000 }
        try await restarted().export(record("c").batch)
        #expect(try folder.names() == ["f-2026-01-02T03-05-05.678Z.jsonl", "f.jsonl"])
        #expect(try folder.text("f.jsonl") == record("c").line)
    }

    @Test("keep bounds the old files, the oldest go, and files that are called otherwise stay")
    func keep() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        let others = [
            "flows-2026-01-01.jsonl", "flows-2026-01-01T00-00-00Z.jsonl", "flows-2026-02-31T00-00-00.000Z.jsonl",
            "flows-2026-01-01T00:00:00.000Z.jsonl", "flows-2026-01-01T00-00-00.000Z.jsonl.gz", "flows-old-2026-01-01T00-00-00.000Z.jsonl",
            "Flows-2026-01-01T00-00-00.000Z.jsonl", "flows-.jsonl", "other.jsonl",
        ]
        for name in others { try folder.write("x", to: name) }
        try folder.write("x", to: "flows-2026-01-01T00-00-00.000Z.jsonl")
        let exporter = exporter(folder.path("flows.jsonl"), registry, rotate: rotating(size: 100, keep: 2))
        for number in 0..<6 { try await exporter.export(record("n\(number)").batch) }
        let left = Set(try folder.names()).subtracting(others)
        #expect(
            left.sorted() == ["flows-2026-01-02T03-04-05.681Z.jsonl", "flows-2026-01-02T03-04-05.682Z.jsonl", "flows.jsonl"])
        #expect(Set(try folder.names()).isSuperset(of: others))
        #expect(registry.value("weir_json_lines_removed_files_total") == 4)
    }

    @Test("a clock that was set back does not mix up the order of files")
    func clock() async throws {
        let folder = try TemporaryFolder()
        let now = Mutex(moment)
        let exporter = exporter(folder.path("f.jsonl"), rotate: rotating(size: 100)) { now.withLock { $0 } }
        for number in 0..<10 {
            try await exporter.export(record("n\(number)").batch)
            now.withLock { $0 -= 3_600_000_000_000 }
        }
        #expect(try folder.names().map { try folder.text($0) } == (0..<10).map { record("n\($0)").line })
    }

    @Test("a file that cannot be renamed is written on: too long is better than lost")
    func unrenamed() async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        var calls = FileCalls.system
        calls.rename = { path, _ throws(FileError) in try FileCalls.system.rename(path, "/nowhere/at/all") }
        let exporter = exporter(folder.path("f.jsonl"), registry, rotate: rotating(size: 100), calls: calls)
        for number in 0..<4 { try await exporter.export(record("n\(number)").batch) }
        #expect(try folder.text("f.jsonl") == (0..<4).map { record("n\($0)").line }.joined())
        // Tried again after a while, not with every batch.
        #expect(registry.value("weir_json_lines_failed_rotations_total") == 1)
        #expect(registry.value("weir_json_lines_rotations_total") == 0)
    }

    @Test("what is no plain file is refused when it is opened: a link, a pipe, a device", arguments: ["link", "device"])
    func refused(_ kind: String) async throws {
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        let target = kind == "device" ? "/dev/null" : folder.path("file")
        try FileManager.default.createSymbolicLink(atPath: folder.path("f"), withDestinationPath: target)
        let exporter = exporter(folder.path("f"), registry, rotate: rotating(size: 100))
        async let exported: Void = exporter.export(record("a").batch)
        try await wait(for: "a failure") { registry.value("weir_json_lines_failures_total", reason: "not_a_file") ?? 0 > 0 }
        try FileManager.default.removeItem(atPath: folder.path("f"))
        try await exported
        #expect(try folder.text("f") == record("a").line)
    }

    @Test("two exporters at one file, as during a reload: every line once, whatever rotates when")
    func two() async throws {
        let folder = try TemporaryFolder()
        let both = [0, 1].map { _ in exporter(folder.path("f.jsonl"), rotate: rotating(size: 400)) }
        await withTaskGroup(of: Void.self) { group in
            for (which, exporter) in both.enumerated() {
                group.addTask { for number in 0..<300 { try? await exporter.export(record("w\(which)n\(number)").batch) } }
            }
        }
        let found = try folder.names().flatMap { try folder.text($0).split(separator: "\n").map { $0 + "\n" } }
        #expect(found.count == 600)
        #expect(Set(found.map(String.init)) == Set([0, 1].flatMap { which in (0..<300).map { record("w\(which)n\($0)").line } }))
    }

    @Test("law: whatever fails, all files in order are the lines that were offered, each once and whole", arguments: 0..<20)
    func law(_ run: Int) async throws {
        let seed = SplitMix64.freshSeed &+ UInt64(run)
        let chance = Chance(seed)
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        let now = Mutex(moment)
        let path = folder.path("f.jsonl")
        func started() -> JSONLinesExporter {
            exporter(path, registry, rotate: rotating(size: 300 + chance.number(below: 3000), age: .seconds(60)), calls: .chaotic(chance)) {
                now.withLock { $0 }
            }
        }
        var writing = started()
        var expected: [String] = []
        for _ in 0..<60 {
            let numbers = (0..<chance.number(below: 30)).map { "n\(expected.count + $0)" }
            try await writing.export(batch([SelectedAttribute(.ownerName, .source)], numbers.map { ([$0], 1, 1) }))
            expected += numbers.map { record($0).line }
            now.withLock { $0 = $0 &+ UInt64(chance.number(below: 20_000_000_000)) &- 8_000_000_000 }
            if chance.isHit(10) {
                await writing.finish()
                writing = started()
            }
        }
        let names = try folder.names()
        #expect(try names.map { try folder.text($0) }.joined() == expected.joined(), "seed \(seed)")
        // One that failed is not tried again within this test.
        #expect(names.count > 1 || registry.value("weir_json_lines_failed_rotations_total") ?? 0 > 0, "seed \(seed)")
        #expect(registry.value("weir_json_lines_torn_lines_total") == 0, "seed \(seed)")
        #expect(registry.value("weir_json_lines_failures_total") ?? 0 > 0, "seed \(seed)")
    }

    @Test("law: with somebody who moves, empties and removes the file, each line is whole and comes at most once", arguments: 0..<20)
    func meddling(_ run: Int) async throws {
        let seed = SplitMix64.freshSeed &+ UInt64(run)
        let chance = Chance(seed)
        let folder = try TemporaryFolder()
        let registry = MetricRegistry()
        let path = folder.path("f.jsonl")
        let elsewhere = folder.path("moved")
        let moves = Atomic(0)
        var calls = FileCalls.chaotic(chance)
        let write = calls.write
        @Sendable func meddle() {
            let move = moves.wrappingAdd(1, ordering: .relaxed).newValue
            if chance.isHit(3) { return TemporaryFolder.empty(path) }
            try? FileManager.default.moveItem(atPath: path, toPath: "\(elsewhere)-\(move)")
        }
        calls.write = { file, bytes, from throws(FileError) in
            // Behind a write that took a part or nothing, and before the next: what no look can see comes between look and write.
            defer {
                if chance.isHit(8) { meddle() }
            }
            return try write(file, bytes, from)
        }
        let exporter = exporter(path, registry, rotate: rotating(size: 2000), calls: calls)
        var offered: Set<String> = []
        for _ in 0..<60 {
            let numbers = (0..<chance.number(below: 30)).map { "n\(offered.count + $0)" }
            try await exporter.export(batch([SelectedAttribute(.ownerName, .source)], numbers.map { ([$0], 1, 1) }))
            offered.formUnion(numbers.map { record($0).line })
        }
        await exporter.finish()
        var seen: Set<String> = []
        var torn = 0
        for name in try folder.names() {
            for line in try folder.text(name).split(separator: "\n").map({ $0 + "\n" }) {
                if offered.contains(String(line)) { #expect(seen.insert(String(line)).inserted, "seed \(seed)") } else { torn += 1 }
            }
        }
        // A third of the meddling empties the file.
        #expect(seen.count > offered.count / 4, "seed \(seed)")
        // Those of emptied files are counted, and not to be seen.
        #expect(torn <= registry.value("weir_json_lines_torn_lines_total") ?? 0, "seed \(seed)")
    }
}

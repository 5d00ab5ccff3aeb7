// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import FuzzTargets
import Testing

/// The laws of every decoder over its seeds and over inputs made from them, the same in every run. `make fuzz` looks further.
@Suite("fuzz targets")
struct FuzzTests {
    /// Per target. Few enough that all of them end within some seconds, enough that a careless change shows.
    static let inputs = 3000
    static let seed: UInt64 = 0x5765_6972

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("seeds")

    static func seeds(_ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = folder.appendingPathComponent(target.name)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { !$0.hasPrefix(".") }.sorted()
            .map { ($0, Array(try Data(contentsOf: folder.appendingPathComponent($0)))) }
    }

    @Test("every target has a folder of seeds, and every folder a target")
    func folders() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
        #expect(folders == FuzzTarget.all.map(\.name).sorted())
    }

    @Test("the laws hold for every seed", arguments: FuzzTarget.all.map(\.name))
    func seeds(_ name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let seeds = try Self.seeds(target)
        #expect(!seeds.isEmpty)
        for seed in seeds {
            do { try target.check(seed.bytes) } catch { Issue.record("seeds/\(name)/\(seed.name): \(error)") }
        }
    }

    @Test("the laws hold for inputs made from the seeds", arguments: FuzzTarget.all.map(\.name))
    func mutations(_ name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let seeds = try Self.seeds(target).map(\.bytes)
        let words = target.words.map { Array($0.utf8) }
        // A trap ends the process: the input in hand is in this file then.
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("weir-fuzz-\(name)-\(ProcessInfo.processInfo.processIdentifier)")
        var mutator = Mutator(seed: Self.seed)
        for number in 0..<Self.inputs {
            let input = mutator.input(from: seeds, words: words, maxBytes: target.maxBytes)
            try Data(input).write(to: file)
            do { try target.check(input) } catch {
                Issue.record("input \(number) of \(name), kept as \(file.path): \(error); again: make fuzz TARGET=\(name) INPUT=\(file.path)")
                return
            }
        }
        try FileManager.default.removeItem(at: file)
    }

    @Test("the mutator makes the same inputs from the same seed, and others from another")
    func deterministic() {
        func inputs(_ seed: UInt64) -> [[UInt8]] {
            var mutator = Mutator(seed: seed)
            return (0..<100).map { _ in mutator.input(from: [Array("one".utf8), Array("two".utf8)], words: [[1]], maxBytes: 64) }
        }
        #expect(inputs(1) == inputs(1))
        #expect(inputs(1) != inputs(2))
        #expect(inputs(1).allSatisfy { $0.count <= 64 })
    }

    @Test("a target that breaks its law is reported")
    func broken() {
        let target = FuzzTarget("broken", words: []) { (bytes) throws(BrokenLaw) in try require(bytes.count < 3, "short") }
        #expect(throws: BrokenLaw.self) { try target.check([1, 2, 3]) }
        #expect(throws: Never.self) { try target.check([1, 2]) }
    }
}

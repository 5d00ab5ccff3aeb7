// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import BuiltInPlugins
internal import Foundation
internal import Testing
internal import WeirHost
internal import WeirKit

/// One bad file per mistake, `<kind>.bad.yaml` or `<kind>-<story>.bad.yaml`, beside the exact text the user sees.
@Suite("bad configurations")
struct BadConfigurationTests {
    @Test("the user sees exactly this", arguments: Fixtures.names(".bad.yaml"))
    func report(_ name: String) throws {
        let found = Self.problems(Fixtures.configs.appendingPathComponent(name))
        let expected = Fixtures.configs.appendingPathComponent(name.replacingOccurrences(of: ".bad.yaml", with: ".expected.txt"))
        if Fixtures.isRecording { try found.report.write(to: expected, atomically: true, encoding: .utf8) }
        #expect(found.report == Fixtures.text(expected))
        let kinds = Set(found.problems.map { Self.dashed($0.kind.rawValue) })
        #expect(kinds.contains { name == "\($0).bad.yaml" || name.hasPrefix("\($0)-") }, "the file is named after its mistake")
    }

    @Test("a file of 2 MB is refused by its size")
    func tooLarge() throws {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            try Data(repeating: UInt8(ascii: "#"), count: 2_000_000).write(to: file)
            let found = Self.problems(file)
            #expect(found.problems.map(\.kind) == [.tooLarge])
            #expect(found.report.hasPrefix("weir.yaml:1:1: error: the file has 2000000 bytes; a configuration file may have 1MiB\n"))
        }
    }

    @Test("every kind of problem has a case")
    func kinds() {
        let files = Fixtures.names(".bad.yaml")
        let generated: Set<ConfigProblem.Kind> = [.tooLarge]
        let missing = ConfigProblem.Kind.allCases.filter { kind in
            let name = Self.dashed(kind.rawValue)
            return !generated.contains(kind) && !files.contains { $0 == "\(name).bad.yaml" || $0.hasPrefix("\(name)-") }
        }
        #expect(missing == [])
    }

    @Test("garbage is refused with a position, whatever it is")
    func garbage() throws {
        var random = SystemRandomNumberGenerator()
        let seed = random.next()
        var state = seed
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            for _ in 0..<200 {
                let bytes = (0..<300).map { _ in
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return UInt8(truncatingIfNeeded: state >> 33)
                }
                try Data(bytes).write(to: file)
                let found = Self.problems(file)
                #expect(!found.problems.isEmpty, "seed \(seed)")
                #expect(found.report.utf8.allSatisfy { $0 == UInt8(ascii: "\n") || $0 >= 0x20 }, "seed \(seed)")
            }
        }
    }

    /// What `check` finds, with paths as a user beside the file would see them.
    static func problems(_ file: URL) -> (problems: [ConfigProblem], report: String) {
        let found = WeirHost.problems(at: file.path, plugins: builtInPlugins)
        return (found.problems, found.report.replacingOccurrences(of: file.deletingLastPathComponent().path + "/", with: ""))
    }

    /// `notPlainYAML` → `not-plain-yaml`
    static func dashed(_ word: String) -> String {
        var text = ""
        var wasSmall = false
        for character in word {
            if character.isUppercase, wasSmall { text += "-" }
            wasSmall = character.isLowercase
            text += character.lowercased()
        }
        return text
    }
}

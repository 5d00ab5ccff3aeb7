// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The files beside these tests, and the program that was built with them.
enum Fixtures {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    static let configs = folder.appendingPathComponent("Configs")
    static let repository = folder.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    /// `RECORD=1` writes what is expected instead of comparing it.
    static let isRecording = ProcessInfo.processInfo.environment["RECORD"] == "1"

    static func names(_ suffix: String) -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: configs.path)) ?? []
        return all.filter { $0.hasSuffix(suffix) }.sorted()
    }

    static func text(_ url: URL) -> String { (try? String(contentsOf: url, encoding: .utf8)) ?? "" }

    /// A new folder that is gone after `body`.
    static func inFolder<R>(_ body: (URL) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }

    struct Outcome {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Runs the `weir` beside this test program.
    static func weir(_ arguments: String..., environment: [String: String] = [:]) throws -> Outcome {
        try weir(arguments, environment: environment)
    }

    static func weir(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
        try run(program, arguments, environment: environment)
    }

    static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent("weir")

    /// Runs a line of shell in which `$weir` is the program.
    static func shell(_ line: String) throws -> Outcome {
        try run(URL(fileURLWithPath: "/bin/sh"), ["-c", line], environment: ["weir": program.path])
    }

    private static func run(_ executable: URL, _ arguments: [String], environment: [String: String]) throws -> Outcome {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin"].merging(environment) { $1 }
        process.currentDirectoryURL = configs
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // Small outputs: both fit into a pipe, so reading one after the other cannot hang.
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let complained = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: String(decoding: said, as: UTF8.self), errors: String(decoding: complained, as: UTF8.self))
    }
}

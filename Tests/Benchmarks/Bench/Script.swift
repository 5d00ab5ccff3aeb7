// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
private import Glibc

/// A script of Tests/Benchmarks/Traffic: it makes namespaces, traffic and agents, and prints what it read.
enum Script {
    /// Runs it as root with the agent, the floor's folder and `arguments`; calls `take` with each line that it prints, at once.
    static func run(_ name: String, _ setting: Setting, _ arguments: [String], take: (String) throws -> Void) throws {
        guard geteuid() == 0 else { throw Skipped("needs root, for network namespaces and eBPF: sudo make bench") }
        let path = "Tests/Benchmarks/Traffic/\(name)"
        let files = [path, setting.weir, "\(setting.floor)/floor", "\(setting.floor)/gen"]
        for file in files where !FileManager.default.fileExists(atPath: file) {
            throw Skipped("\(file) is not there: run from the top of the repository, after 'make build' and 'make floor'")
        }
        for tool in ["ip", "nsenter", "setpriv", "bpftool", "iperf3", "sysctl", "curl"] where !isInstalled(tool) {
            throw Skipped("\(tool) is not installed; try: make deps")
        }
        let words = [absolute(path), absolute(setting.weir), absolute(setting.floor)] + arguments
        // The stream is ours until pclose; popen copies the text.
        guard let stream = unsafe popen(words.map(quoted).joined(separator: " "), "re") else { throw Failed(name, "errno \(errno)") }
        var line: UnsafeMutablePointer<CChar>?
        var room = 0
        defer { unsafe free(line) }
        var refused: (any Error)?
        // getline keeps `line` and `room` to its last call; the text is copied before the next.
        while unsafe getline(&line, &room, stream) >= 0, let text = unsafe line {
            guard refused == nil else { continue }
            do { try take(unsafe String(cString: text).trimmed) } catch { refused = error }
        }
        let status = unsafe pclose(stream)
        if let refused { throw refused }
        guard status == 0 else { throw Failed(name, "status \(status >> 8); what it said stands above") }
    }

    /// Runs it, and takes lines of FIGURE|UNIT|VALUE, one per run and figure.
    static func figures(_ name: String, _ setting: Setting, _ arguments: [String], targets: [String: Figure.Target]) throws -> [Figure] {
        var order: [String] = []
        var figures: [String: (unit: String, samples: [Double])] = [:]
        try run(name, setting, arguments) { line in
            let words = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            guard words.count == 3, let value = Double(words[2]) else { throw Failed(name, "expected FIGURE|UNIT|VALUE, found '\(line)'") }
            if figures[words[0]] == nil { order.append(words[0]) }
            figures[words[0], default: (words[1], [])].samples.append(value)
        }
        return order.compactMap { figure in
            figures[figure].map { Figure(figure, $0.unit, $0.samples, target: targets[figure]) }
        }
    }

    private static func isInstalled(_ program: String) -> Bool {
        // The environment is not changed while we read; the text is copied.
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin:/bin"
        return (path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]).contains { unsafe access("\($0)/\(program)", X_OK) == 0 }
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    private static func quoted(_ word: String) -> String {
        "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    struct Failed: Error, CustomStringConvertible {
        let description: String
        init(_ script: String, _ reason: String) { description = "\(script): could not measure: \(reason)" }
    }
}

extension String {
    fileprivate var trimmed: String { String(prefix { $0 != "\n" }) }
}

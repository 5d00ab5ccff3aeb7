// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// On what the figures were taken: without it they say little.
enum Machine {
    static var facts: [(name: String, value: String)] {
        let cpus = lines("/proc/cpuinfo").filter { $0.hasPrefix("processor") }.count
        return [
            ("cpu", "\(cpus) × \(value("/proc/cpuinfo", "model name") ?? "unknown")"),
            ("memory", value("/proc/meminfo", "MemTotal") ?? "unknown"),
            ("kernel", lines("/proc/sys/kernel/osrelease").first ?? "unknown"),
            ("jit", lines("/proc/sys/net/core/bpf_jit_enable").first.map { $0 == "1" ? "on" : $0 } ?? "unknown"),
        ]
    }

    private static func lines(_ path: String) -> [String] {
        (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
    }

    /// The value of the first `key : value` line.
    private static func value(_ path: String, _ key: String) -> String? {
        guard let line = lines(path).first(where: { $0.hasPrefix(key) }), let colon = line.firstIndex(of: ":") else { return nil }
        return String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
    }
}

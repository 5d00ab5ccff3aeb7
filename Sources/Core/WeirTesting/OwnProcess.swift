// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// What this process holds, by the kernel's word.
package enum OwnProcess {
    package static func threads(named name: String) -> Int { numbers(name).count }

    /// The signals that a thread of that name does not take, as numbers; nil when there is none.
    package static func signalsBlocked(byThread name: String) -> Set<Int>? {
        let masks = numbers(name).compactMap { line("SigBlk:", of: $0) }
        guard let mask = masks.first.flatMap({ UInt64($0, radix: 16) }) else { return nil }
        return Set((1...64).filter { mask >> UInt64($0 - 1) & 1 == 1 })
    }

    // A thread may end meanwhile.
    private static func numbers(_ name: String) -> [String] {
        entries(of: "task").filter { (try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8)) == name + "\n" }
    }

    private static func line(_ word: String, of thread: String) -> Substring? {
        let status = (try? String(contentsOfFile: "/proc/self/task/\(thread)/status", encoding: .utf8)) ?? ""
        return status.split(separator: "\n").first { $0.hasPrefix(word) }?.split { $0 == ":" || $0 == "\t" }.last
    }

    package static var descriptors: Int { entries(of: "fd").count }

    private static func entries(of folder: String) -> [String] {
        let found = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/\(folder)")
        // None would make every test that compares numbers pass.
        guard let found, !found.isEmpty else { preconditionFailure("/proc/self/\(folder) cannot be read") }
        return found
    }
}

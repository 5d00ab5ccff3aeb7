// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Counts instructions: valgrind runs this program once more, on a processor of its own making.
enum Callgrind {
    /// What this program executes when called with `arguments` and each of the two sizes behind.
    static func instructions(_ arguments: [String], _ sizes: (few: Int, many: Int)) throws -> (few: Int, many: Int) {
        let missing = [("valgrind", "valgrind"), ("objcopy", "binutils")].filter { !Child.isInstalled($0.0) }
        guard missing.isEmpty else {
            let (programs, packages) = (missing.map(\.0).joined(separator: " and "), missing.map(\.1).joined(separator: " "))
            throw Skipped("\(programs) not found; install \(missing.count == 1 ? "it" : "them") with 'apt-get install \(packages)' or 'make deps'")
        }
        let folder = try Scratch()
        // Valgrind 3.19 stops at the debug information of the toolchain (DWARF 5).
        let program = folder.path + "/weir-bench"
        try Child.run(["objcopy", "--strip-debug", Child.ownPath, program])
        return (
            try instructions([program] + arguments + [String(sizes.few)], folder),
            try instructions([program] + arguments + [String(sizes.many)], folder)
        )
    }

    private static func instructions(_ command: [String], _ folder: borrowing Scratch) throws -> Int {
        let output = folder.path + "/callgrind.out"
        // The standard library's own dictionaries hash the same in every run.
        try Child.run(["env", "SWIFT_DETERMINISTIC_HASHING=1", "valgrind", "--tool=callgrind", "--callgrind-out-file=\(output)"] + command)
        let text = try String(contentsOfFile: output, encoding: .utf8)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("summary:") || $0.hasPrefix("totals:") }),
            let count = Int(line.split(separator: " ").last ?? "")
        else { throw Unreadable(description: "\(output): expected a line 'summary: N'") }
        return count
    }
}

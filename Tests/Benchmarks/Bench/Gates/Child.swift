// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
private import Glibc

/// Runs another program to its end.
enum Child {
    static func isInstalled(_ program: String) -> Bool {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }
    }

    /// The file of the program that is running.
    static var ownPath: String {
        get throws { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") }
    }

    /// Waits for its end; throws with what it said when that is not exit code 0. Its output is kept from ours.
    static func run(_ command: [String]) throws {
        let output = FileManager.default.temporaryDirectory.path + "/weir-bench-\(getpid()).log"
        defer { try? FileManager.default.removeItem(atPath: output) }
        var actions = unsafe posix_spawn_file_actions_t()
        // Every pointer below is read before its call returns; the copies of the words live until after it.
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var words = unsafe command.map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var child = pid_t()
        let refusal = unsafe posix_spawnp(&child, command[0], &actions, nil, &words, environ)
        guard refusal == 0 else { throw Failed(command, unsafe String(cString: strerror(refusal))) }
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { throw Failed(command, unsafe String(cString: strerror(errno))) }
        }
        guard status == 0 else {
            let said = (try? String(contentsOfFile: output, encoding: .utf8))?.split(separator: "\n").suffix(5).joined(separator: " | ")
            throw Failed(command, "status \(status): \(said ?? "")")
        }
    }

    struct Failed: Error, CustomStringConvertible {
        let description: String
        init(_ command: [String], _ reason: String) { description = "could not run '\(command.joined(separator: " "))': \(reason)" }
    }
}

/// A folder that goes with its owner.
struct Scratch: ~Copyable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/weir-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc

/// A folder under /tmp that goes with its owner.
package final class TestFolder: Sendable {
    package let path: String

    package init() throws {
        path = "/tmp/weir-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    package func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)"))
    }

    /// The file's bytes; empty when there is none.
    package func read(_ name: String) -> [UInt8] { (try? Data(contentsOf: URL(filePath: "\(path)/\(name)"))).map { [UInt8]($0) } ?? [] }
}

/// Another program, of which a test needs the right package to be installed.
struct TestProgram: Sendable {
    private let process: pid_t

    /// Starts it, for ten minutes at most, with its output in `log`, and with no other descriptor of ours: it must not keep alive what a test closes.
    init(_ command: [String], package: String, log: String) throws {
        guard Self.isInstalled(command[0]) else {
            throw ServerError(description: "start \(command[0]): it is not installed; this test needs the package \(package) (make deps)")
        }
        let closing =
            "for d in /proc/self/fd/*; do n=${d##*/}; [ $n -lt 3 ] || eval \"exec $n>&-\"; done; PATH=$PATH:/usr/sbin exec timeout 600 \"$@\""
        var actions = unsafe posix_spawn_file_actions_t()
        // Every pointer below is read before its call returns; the copies of the words live until after it.
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // The threads that tests run on block signals, and a program inherits that: it could not be told to end.
        var attributes = posix_spawnattr_t()
        var none = sigset_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words = unsafe (["bash", "-c", closing, "bash"] + command).map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var child = pid_t()
        let refusal = unsafe posix_spawnp(&child, "bash", &actions, &attributes, &words, environ)
        guard refusal == 0 else { throw ServerError(description: unsafe "start bash: \(String(cString: strerror(refusal)))") }
        process = child
    }

    /// Runs it to its end; throws with what it said unless that is exit code 0.
    static func run(_ command: [String], package: String, in folder: TestFolder) throws {
        let log = "\(command[0].split(separator: "/").last ?? "").log"
        let program = try TestProgram(command, package: package, log: "\(folder.path)/\(log)")
        guard program.wait() == 0 else {
            throw ServerError(description: "run \(command.joined(separator: " ")): \(String(decoding: folder.read(log), as: UTF8.self))")
        }
    }

    /// Its status after its end.
    func wait() -> Int32 {
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0 { if errno != EINTR { return -1 } }
        return status
    }

    /// Whether it has ended; then it is waited for.
    func hasEnded() -> Bool {
        var status: Int32 = 0
        return unsafe waitpid(process, &status, WNOHANG) != 0
    }

    func terminate() { kill(process, SIGTERM) }

    /// Whether a program is in the PATH, or where Debian has those of administrators.
    private static func isInstalled(_ name: String) -> Bool {
        // Nothing in a test changes PATH; the text is copied.
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin"]
        return folders.contains { folder in
            // The text lives during the call.
            unsafe access("\(folder)/\(name)", X_OK) == 0
        }
    }
}

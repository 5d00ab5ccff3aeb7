// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A file, a pipe or standard input that a command reads from its beginning to its end.
struct InputFile: ~Copyable {
    private let descriptor: Int32
    private let isOwn: Bool
    /// Looked at and not yet read.
    private var head: [UInt8] = []

    private init(_ descriptor: Int32, isOwn: Bool) {
        self.descriptor = descriptor
        self.isOwn = isOwn
    }

    deinit { if isOwn { close(descriptor) } }

    /// Bytes that are there already.
    init(bytes: [UInt8]) {
        descriptor = -1
        isOwn = false
        head = bytes
    }

    /// `-` is standard input. A pipe is waited for, as every tool does that is given one.
    static func open(_ path: String) throws(SystemError) -> InputFile {
        if path == "-" { return InputFile(STDIN_FILENO, isOwn: false) }
        // A path with a zero inside would be cut there: no file has one.
        guard !path.utf8.contains(0) else { throw SystemError(code: EINVAL) }
        // `path` is a Swift string that lives through the call.
        let file = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .last }
        let input = InputFile(file, isOwn: true)
        // A folder opens, and says so only when it is read.
        _ = try input.status
        return input
    }

    private var status: stat {
        get throws(SystemError) {
            var found = stat()
            // `found` outlives the call, which fills it.
            guard unsafe fstat(descriptor, &found) == 0 else { throw .last }
            guard FileStatus(found).kind != .folder else { throw SystemError(code: EISDIR) }
            return found
        }
    }

    /// At most `count` bytes, as soon as there are any; none at the end.
    mutating func read(upTo count: Int) throws(SystemError) -> [UInt8] {
        guard head.isEmpty else {
            defer { head = [] }
            return head
        }
        return try take(upTo: count)
    }

    private func take(upTo count: Int) throws(SystemError) -> [UInt8] {
        if descriptor < 0 { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        while true {
            // The kernel writes at most `count` bytes into `bytes`, which outlives the call.
            let found = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if found < 0, errno == EINTR { continue }
            guard found >= 0 else { throw .last }
            bytes.removeLast(count - found)
            return bytes
        }
    }

    /// The first bytes, `count` where there are so many, which stay to be read. Whoever writes to a pipe is waited for.
    mutating func peek(_ count: Int) throws(SystemError) -> [UInt8] {
        while head.count < count {
            let more = try take(upTo: count - head.count)
            if more.isEmpty { break }
            head += more
        }
        return head
    }

    /// Whether reading may begin again at the beginning.
    var isPlainFile: Bool { (try? status).map { $0.st_mode & S_IFMT == S_IFREG } ?? false }

    /// Goes back to where the file stood before anything was looked at.
    mutating func rewind() {
        lseek(descriptor, -off_t(head.count), SEEK_CUR)
        head = []
    }

    /// Makes everything of this input the program's standard input, for a library that reads only whole files: a thread of its own
    /// copies it there, the bytes that were looked at first.
    consuming func becomeStandardInput() throws(SystemError) {
        var ends: [Int32] = [0, 0]
        let from = dup(descriptor)
        // The kernel fills both numbers of the array, which outlives the call.
        guard from >= 0, unsafe pipe(&ends) == 0, dup2(ends[0], STDIN_FILENO) >= 0 else { throw .last }
        close(ends[0])
        let first = head
        let target = ends[1]
        DedicatedThread.start("weir-input") {
            let rest = InputFile(from, isOwn: true)
            var piece = first
            // Ends with the input, or when nobody reads any more.
            repeat {
                guard (try? SystemFile.write(piece, to: target)) != nil, let next = try? rest.take(upTo: 64 << 10) else { break }
                piece = next
            } while !piece.isEmpty
            close(target)
        }
    }
}

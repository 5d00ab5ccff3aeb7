// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ByteOutput
internal import Glibc
internal import WeirKit

/// The few system calls of the plugin: its own unsafe code, and the seam where tests make a disk fail.
package struct FileCalls: Sendable {
    package var open: @Sendable (_ path: String) throws(FileError) -> LineFile
    package var standardOutput: @Sendable () throws(FileError) -> LineFile
    /// Whether the path still leads to this file. A path that cannot be looked at is taken for unchanged.
    package var leads: @Sendable (_ path: String, _ to: FileIdentity?) -> Bool
    /// Writes what it can of `bytes` from an index on; 0 when the reader must take something first.
    package var write: @Sendable (LineFile, _ bytes: [UInt8], _ from: Int) throws(FileError) -> Int
    package var isWritable: @Sendable (_ descriptor: Int32, _ milliseconds: Int32) -> Bool
    /// How long the file is; nil when no name leads to it any more.
    package var size: @Sendable (_ descriptor: Int32) -> Int?
    /// Keeps other exporters from rotating the file until it is closed; false when one of them is about to.
    package var lock: @Sendable (_ descriptor: Int32) -> Bool
    package var rename: @Sendable (_ path: String, _ to: String) throws(FileError) -> Void
    package var remove: @Sendable (_ path: String) throws(FileError) -> Void
    /// What is in a folder.
    package var names: @Sendable (_ folder: String) throws(FileError) -> [String]
    package var close: @Sendable (_ descriptor: Int32) -> Void
    /// Between two tries; a cancelled task does not sleep.
    package var sleep: @Sendable (Duration) async -> Void

    package static let system = FileCalls(
        open: { path throws(FileError) in
            // O_NONBLOCK: opening a FIFO that nobody reads must fail, not wait.
            let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
            return try file(again { unsafe Glibc.open(path, flags, 0o640) }, path)
        },
        standardOutput: { () throws(FileError) in
            // Our own number for it, so that every file may be closed.
            try file(again { fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) }, nil)
        },
        leads: { path, identity in
            var found = stat()
            // `found` lives on this stack for the length of the call; so below.
            if unsafe stat(path, &found) == 0 { return FileIdentity(found) == identity }
            return errno != ENOENT && errno != ENOTDIR
        },
        write: { file, bytes, from throws(FileError) in
            do throws(OutputError) {
                return try ByteOutput.write(bytes, from: from, to: file.descriptor, isRegular: file.isRegular)
            } catch {
                throw .refused(error)
            }
        },
        isWritable: { descriptor, milliseconds in ByteOutput.isWritable(descriptor, milliseconds: milliseconds) },
        size: { descriptor in
            var found = stat()
            return unsafe fstat(descriptor, &found) == 0 && found.st_nlink > 0 ? Int(found.st_size) : nil
        },
        // A file system without locks has no other exporter that could be kept away.
        lock: { descriptor in flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK },
        rename: { path, target throws(FileError) in
            // Both texts live as long as the call; so below.
            guard unsafe Glibc.rename(path, target) == 0 else { throw .refused(.last()) }
        },
        remove: { path throws(FileError) in
            guard unsafe unlink(path) == 0 else { throw .refused(.last()) }
        },
        names: { folder throws(FileError) in
            // A stream of its own, closed below; a name is copied before the next call overwrites it.
            guard let stream = unsafe opendir(folder) else { throw .refused(.last()) }
            defer { unsafe closedir(stream) }
            var names: [String] = []
            while let entry = unsafe readdir(stream) {
                unsafe names.append(
                    withUnsafeBytes(of: &entry.pointee.d_name) { bytes in unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) })
            }
            return names
        },
        close: { descriptor in _ = Glibc.close(descriptor) },
        sleep: { try? await Task.sleep(for: $0) }
    )

    /// What the descriptor stands for. A regular file says how long it is, when it began, and whether its last line is torn, by a crash
    /// or a full disk.
    private static func file(_ descriptor: Int32, _ path: String?) throws(FileError) -> LineFile {
        guard descriptor >= 0 else { throw .refused(.last()) }
        var found = stat()
        guard unsafe fstat(descriptor, &found) == 0 else {
            let error = FileError.refused(.last())
            _ = Glibc.close(descriptor)
            throw error
        }
        var file = LineFile(descriptor: descriptor, isRegular: found.st_mode & S_IFMT == S_IFREG, identity: FileIdentity(found))
        guard let path, file.isRegular else { return file }
        file.size = Int(found.st_size)
        if file.size > 0 {
            let reader = again { unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC) }
            var last: UInt8 = 0
            var head = [UInt8](repeating: 0, count: 64)
            if reader >= 0 {
                file.isTorn = unsafe pread(reader, &last, 1, found.st_size - 1) == 1 && last != UInt8(ascii: "\n")
                // Never more than the array holds.
                let read = max(0, unsafe pread(reader, &head, head.count, 0))
                file.began = FileCalls.time(head.prefix(read))
                _ = Glibc.close(reader)
            }
        }
        var link = stat()
        file.isLink = unsafe lstat(path, &link) == 0 && link.st_mode & S_IFMT == S_IFLNK
        return file
    }

    /// The time in a line that begins as ours do: `{"time":"2026-01-02T03:04:05.678Z"`.
    private static func time(_ line: ArraySlice<UInt8>) -> UInt64? {
        let start = Array("{\"time\":\"".utf8)
        guard line.starts(with: start) else { return nil }
        return RFC3339.nanoseconds(String(decoding: line.dropFirst(start.count).prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self))
    }

    private static func again<Result: BinaryInteger>(_ call: () -> Result) -> Result {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }
}

extension FileIdentity {
    fileprivate init(_ found: stat) {
        device = UInt64(found.st_dev)
        number = UInt64(found.st_ino)
    }
}

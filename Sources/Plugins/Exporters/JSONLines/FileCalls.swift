// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import ByteOutput
internal import Glibc

/// The few system calls of the plugin: its own unsafe code, and the seam where tests make a disk fail.
package struct FileCalls: Sendable {
    package var open: @Sendable (_ path: String) throws(FileError) -> LineFile
    package var standardOutput: @Sendable () throws(FileError) -> LineFile
    package var identity: @Sendable (_ path: String) -> FileIdentity?
    /// Writes what it can of `bytes` from an index on; 0 when the reader must take something first.
    package var write: @Sendable (LineFile, _ bytes: [UInt8], _ from: Int) throws(FileError) -> Int
    package var isWritable: @Sendable (_ descriptor: Int32, _ milliseconds: Int32) -> Bool
    package var size: @Sendable (_ descriptor: Int32) -> Int?
    package var truncate: @Sendable (_ descriptor: Int32, _ size: Int) -> Bool
    package var close: @Sendable (_ descriptor: Int32) -> Void

    package static let system = FileCalls(
        open: { path throws(FileError) in
            // O_NONBLOCK: opening a FIFO that nobody reads must fail, not wait.
            let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
            return try file(again { unsafe Glibc.open(path, flags, 0o640) }, lastByteOf: path)
        },
        standardOutput: { () throws(FileError) in
            // Our own number for it, so that every file may be closed.
            try file(again { fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) }, lastByteOf: nil)
        },
        identity: { path in
            var found = stat()
            // `found` lives on this stack for the length of the call; so below.
            return unsafe stat(path, &found) == 0 ? FileIdentity(found) : nil
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
            return unsafe fstat(descriptor, &found) == 0 ? Int(found.st_size) : nil
        },
        truncate: { descriptor, size in ftruncate(descriptor, size) == 0 },
        close: { descriptor in _ = Glibc.close(descriptor) }
    )

    /// What the descriptor stands for. A regular file whose last line is torn, by a crash or a full disk, says so.
    private static func file(_ descriptor: Int32, lastByteOf path: String?) throws(FileError) -> LineFile {
        guard descriptor >= 0 else { throw .refused(.last()) }
        var found = stat()
        guard unsafe fstat(descriptor, &found) == 0 else {
            let error = FileError.refused(.last())
            _ = Glibc.close(descriptor)
            throw error
        }
        let isRegular = found.st_mode & S_IFMT == S_IFREG
        var isTorn = false
        if let path, isRegular, found.st_size > 0 {
            let reader = again { unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC) }
            var last: UInt8 = 0
            isTorn = unsafe reader >= 0 && pread(reader, &last, 1, found.st_size - 1) == 1 && last != UInt8(ascii: "\n")
            if reader >= 0 { _ = Glibc.close(reader) }
        }
        return LineFile(
            descriptor: descriptor, isRegular: isRegular, canBeCut: isRegular && path != nil, identity: FileIdentity(found), isTorn: isTorn)
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

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What the system said when it would not do something: `No such file or directory`.
package struct SystemError: Error, CustomStringConvertible {
    package let code: Int32

    static var last: SystemError { SystemError(code: errno) }

    package var description: String {
        // glibc's text is a constant, or belongs to this thread (since 2.32); it is copied before anything else runs.
        unsafe String(cString: strerror(code))
    }
}

/// What stands at a path, as far as the host asks.
struct FileStatus: Sendable {
    enum Kind { case file, folder, other }

    let kind: Kind
    let size: Int
    let owner: UInt32
    let mode: UInt32
    /// The mount by which this process sees it is read-only; others may see it by another. False where only a descriptor was asked.
    let isReadOnly: Bool

    /// Follows symbolic links, as opening does.
    init(of path: String) throws(SystemError) {
        var found = stat()
        var mount = statvfs()
        // Both outlive the calls, which fill them.
        guard unsafe stat(path, &found) == 0, unsafe statvfs(path, &mount) == 0 else { throw .last }
        self.init(found, isReadOnly: mount.f_flag & UInt(ST_RDONLY) != 0)
    }

    init(_ found: stat, isReadOnly: Bool = false) {
        self.isReadOnly = isReadOnly
        switch found.st_mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .folder
        default: kind = .other
        }
        size = Int(found.st_size)
        owner = found.st_uid
        mode = found.st_mode & 0o7777
    }
}

/// Which file stands at a path, and which writing of it: another one, or one that was written to, has another identity.
struct FileIdentity: Sendable, Equatable {
    private let device: UInt
    private let inode: UInt
    private let size: Int
    /// Seconds and nanoseconds of the last writing, and of the last change of anything.
    private let times: [Int]

    /// Follows symbolic links, as opening does.
    init(of path: String) throws(SystemError) {
        var found = stat()
        // `found` outlives the call, which fills it.
        guard unsafe stat(path, &found) == 0 else { throw .last }
        device = UInt(found.st_dev)
        inode = UInt(found.st_ino)
        size = Int(found.st_size)
        times = [found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_ctim.tv_sec, found.st_ctim.tv_nsec]
    }
}

/// The few things the host asks of the file system.
enum SystemFile {
    /// Why a file was not read.
    enum ReadError: Error, CustomStringConvertible {
        case system(SystemError)
        case notAFile
        case tooLarge(size: Int, limit: Int)

        var description: String {
            switch self {
            case .system(let error): "\(error)"
            case .notAFile: "it is not a regular file"
            case .tooLarge(let size, let limit): "it has \(size) bytes, more than the \(limit) allowed"
            }
        }
    }

    /// All bytes of a regular file. Anything else (a pipe, a device) could make the reader wait for ever.
    static func read(_ path: String, limit: Int) throws(ReadError) -> [UInt8] {
        // `path` is a Swift string that lives through the call. O_NONBLOCK: opening a pipe must not wait.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw .system(.last) }
        defer { close(file) }
        var found = stat()
        guard unsafe fstat(file, &found) == 0 else { throw .system(.last) }
        let status = FileStatus(found)
        guard status.kind == .file else { throw .notAFile }
        guard status.size <= limit else { throw .tooLarge(size: status.size, limit: limit) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            // The kernel writes at most `count` bytes into `piece`, which outlives the call.
            let count = unsafe piece.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(.last) }
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
            // Files in /proc say 0 and a growing file says too little: the limit holds for what was read.
            guard bytes.count <= limit else { throw .tooLarge(size: bytes.count, limit: limit) }
        }
    }

    /// The names in a folder, sorted, without `.` and `..`.
    static func names(in folder: String) throws(SystemError) -> [String] {
        guard let open = unsafe opendir(folder) else { throw .last }
        defer { unsafe closedir(open) }
        var names: [String] = []
        while let entry = unsafe readdir(open) {
            // The entry is valid until the next `readdir`; its name is copied here, and ends in a zero byte.
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The absolute path without symbolic links.
    static func realPath(_ path: String) throws(SystemError) -> String {
        guard let found = unsafe realpath(path, nil) else { throw .last }
        // `realpath` allocated the text; it is copied, then given back.
        defer { unsafe free(found) }
        return unsafe String(cString: found)
    }

    /// Writes all bytes to a new or emptied file; `-` is standard output.
    static func write(_ bytes: [UInt8], to path: String) throws(SystemError) {
        let file = unsafe path == "-" ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .last }
        defer { if path != "-" { close(file) } }
        try write(bytes, to: file)
    }

    static func write(_ bytes: [UInt8], to file: Int32) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // The kernel reads from `rest`, which outlives the call.
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last }
            rest = rest.dropFirst(count)
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Folders and small files of kernel file systems (cgroup, proc), read without following links.
public enum FileTree {
    /// A folder in a folder.
    public struct Folder: Sendable, Hashable {
        public let name: String
        public let inode: UInt64
    }

    /// The folders in the folder at `path`, in no order. One `getdents` per some hundred entries, no `stat`: the
    /// kernel's file systems say in the listing what is a folder.
    public static func folders(in path: String) throws(FileTreeError) -> [Folder] {
        // A stream of its own, closed below; its entries are copied before the next call overwrites them.
        guard let stream = unsafe opendir(path) else { throw FileTreeError("read the folder", path, errno) }
        defer { unsafe closedir(stream) }
        var folders: [Folder] = []
        while let entry = unsafe readdir(stream) {
            guard unsafe entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { unsafe folders.append(Folder(name: name, inode: UInt64(entry.pointee.d_ino))) }
        }
        return folders
    }

    /// The inode of the folder or file at `path`.
    public static func inode(of path: String) throws(FileTreeError) -> UInt64 {
        var status = stat()
        // The struct outlives the call.
        guard unsafe lstat(path, &status) == 0 else { throw FileTreeError("look at", path, errno) }
        return UInt64(status.st_ino)
    }

    /// The first `limit` bytes of a file; those of `/proc` say no size beforehand.
    public static func read(_ path: String, limit: Int) throws(FileTreeError) -> [UInt8] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileTreeError("open", path, errno) }
        defer { close(file) }
        var content: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while content.count < limit {
            // Never more than the buffer holds.
            let count = unsafe Glibc.read(file, &piece, min(piece.count, limit - content.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileTreeError("read", path, errno) }
            if count == 0 { break }
            content += piece[..<count]
        }
        return content
    }

    /// Shows the lines of a text file, without their ends, until `body` has seen enough. At most `limit` bytes are read, which become
    /// fewer by those that were; false when they were not enough. A page at a time: of a long file of `/proc` the kernel writes no more
    /// than that ahead of its reader.
    public static func lines(of path: String, limit: inout Int, _ body: (Span<UInt8>) -> Bool) throws(FileTreeError) -> Bool {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileTreeError("open", path, errno) }
        defer { close(file) }
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while limit > 0 {
            // Never more than the buffer holds.
            let count = unsafe Glibc.read(file, &piece, min(piece.count, limit))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileTreeError("read", path, errno) }
            limit -= count
            var start = 0
            var unread = text.count
            text += piece[..<count]
            while let end = text[unread...].firstIndex(of: UInt8(ascii: "\n")) {
                guard body(text.span.extracting(start..<end)) else { return true }
                start = end + 1
                unread = start
            }
            text.removeFirst(start)
            // The last line may have no end.
            if count == 0 {
                if !text.isEmpty { _ = body(text.span) }
                return true
            }
        }
        return false
    }
}

/// Why something could not be read; finishes "could not …".
public struct FileTreeError: Error, CustomStringConvertible {
    public let description: String
    /// Whether the thing was gone, which is usual for what the kernel makes and removes.
    public let isGone: Bool

    init(_ verb: String, _ path: String, _ number: Int32) {
        // The text is libc's own; it is copied at once.
        description = unsafe "\(verb) \(path): \(String(cString: strerror(number)))"
        isGone = number == ENOENT || number == ENODEV
    }
}

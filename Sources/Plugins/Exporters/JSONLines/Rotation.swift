// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// When a file gives way to a new one, what it is called then, and which old ones go.
struct Rotation: Sendable {
    private let options: RotateOptions
    private let name: RotatedName

    init(_ options: RotateOptions, path: String) {
        self.options = options
        name = RotatedName(path)
    }

    /// Whether `count` more bytes belong into a new file. An empty one is never too old or too small.
    func isDue(_ file: LineFile, adding count: Int, now: UInt64) -> Bool {
        guard file.size > 0 else { return false }
        if let size = options.size, file.size + count > size.bytes { return true }
        if let age = options.age, let began = file.began { return now >= began + UInt64(age.nanoseconds) }
        return false
    }

    /// Renames the file at `path`. Its readers keep it, and no line of it is written again.
    func rotate(_ path: String, _ calls: FileCalls, now: UInt64) throws(FileError) {
        let last = name.old(try calls.names(name.folder)).last
        try calls.rename(path, name.path(of: name.next(after: last, now: now)))
    }

    /// Removes the oldest files beyond `keep`; returns how many.
    func prune(_ calls: FileCalls) throws(FileError) -> Int {
        let tooMany = name.old(try calls.names(name.folder)).dropLast(options.keep)
        for old in tooMany { try calls.remove(name.path(of: old)) }
        return tooMany.count
    }
}

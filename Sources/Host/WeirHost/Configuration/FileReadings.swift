// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WeirKit

/// A file that an instance was made from, and what it held.
struct FileReading: Sendable, Equatable {
    let path: String
    /// Tells contents apart, within this process; nil where the stage follows the file by itself.
    let content: Int?
}

/// Notes what one instance reads while its options are read.
final class FileReadings: Sendable {
    private let found = Mutex<[FileReading]>([])

    var all: [FileReading] { found.withLock { $0 } }

    /// `files`, with every reading noted.
    func noting(_ files: ConfigFiles) -> ConfigFiles {
        ConfigFiles(
            { [self] (path, position) throws(ConfigFileError) in
                let bytes = try files.read(path, from: position)
                note(path, position, Self.hash(bytes))
                return bytes
            },
            followed: { [self] (path, position) throws(ConfigFileError) in
                note(path, position, nil)
                return try files.read(path, from: position)
            })
    }

    /// A stage that runs reads through this too: what was noted when it was made stays.
    private func note(_ path: String, _ position: ConfigPosition, _ content: Int?) {
        let full = ReferencedFiles.full(path, from: position)
        found.withLock { found in if !found.contains(where: { $0.path == full }) { found.append(FileReading(path: full, content: content)) } }
    }

    private static func hash(_ bytes: [UInt8]) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes.count)
        // The bytes live for the call, which copies what it needs of them.
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}

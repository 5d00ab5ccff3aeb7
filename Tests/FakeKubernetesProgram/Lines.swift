// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FileTree
internal import Glibc

enum Lines {
    /// The lines of a file.
    static func read(_ path: String) throws -> [String] {
        String(decoding: try FileTree.read(path, limit: 1 << 30), as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(
            String.init)
    }

    /// A line on standard output, written before this returns.
    static func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        var start = 0
        while start < bytes.count {
            // Within the array, which lives during the call.
            let count = unsafe bytes[start...].withUnsafeBytes { unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            start += count
        }
    }
}

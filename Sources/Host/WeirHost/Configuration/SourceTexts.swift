// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The bytes of every file that was read, by the name that positions carry, so that a problem can show its line; and which files were
/// asked for.
package final class SourceTexts: Sendable {
    /// Nil once nothing more will be shown.
    private let files = Mutex<[String: [UInt8]]?>([:])
    private let lines = Mutex<[Place: [UInt8]]>([:])

    private let wanted = Mutex<Set<String>?>([])

    private struct Place: Hashable {
        let file: String
        let line: Int
    }

    package init() {}

    package func keep(_ bytes: [UInt8], as file: String) { files.withLock { $0?[file] = bytes } }

    /// One line of a file that is too large to keep.
    package func keep(_ line: [UInt8], as file: String, line number: Int) { lines.withLock { $0[Place(file: file, line: number)] = line } }

    /// Everything was right, so no line will be asked for: tables of many megabytes need not stay. Files that are read
    /// again later are not kept either.
    package func drop() {
        files.withLock { $0 = nil }
        wanted.withLock { $0 = nil }
    }

    /// The configuration names this file, which may be missing.
    func ask(for path: String) { wanted.withLock { _ = $0?.insert(path) } }

    /// The full paths of all files that the configuration names, read or not: changing one may mend it. Empty after `drop`.
    package var asked: Set<String> { wanted.withLock { $0 ?? [] } }

    /// The line without its ending; nil when the file is not known or too short.
    package func line(_ number: Int, of file: String) -> String? {
        if let alone = lines.withLock({ $0[Place(file: file, line: number)] }) { return String(decoding: alone, as: UTF8.self) }
        guard number >= 1, let bytes = files.withLock({ $0?[file] }) else { return nil }
        var start = bytes.startIndex
        for _ in 1..<number {
            guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            start = end + 1
        }
        guard start < bytes.endIndex else { return nil }
        var line = bytes[start...].prefix { $0 != UInt8(ascii: "\n") }
        if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
        return String(decoding: line, as: UTF8.self)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Synchronization

/// A file of its own for an input that is read by path.
enum ScratchFile {
    private static let count = Atomic(0)

    /// Writes `bytes` to a file that nobody else has. Whoever asks removes it.
    static func write(_ bytes: [UInt8], _ suffix: String) throws(BrokenLaw) -> String {
        let folder = FileManager.default.temporaryDirectory.path
        let path = "\(folder)/weir-fuzz-\(ProcessInfo.processInfo.processIdentifier)-\(count.add(1, ordering: .relaxed).newValue)\(suffix)"
        do { try Data(bytes).write(to: URL(filePath: path)) } catch { throw BrokenLaw("\(path) could not be written: \(error)") }
        return path
    }

    static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
}

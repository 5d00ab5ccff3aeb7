// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Synchronization

/// What the receiver reads and writes.
enum Files {
    private static let count = Mutex(0)

    static func mode(in folder: String) -> String {
        guard let data = FileManager.default.contents(atPath: folder + "/mode") else { return "good" }
        return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace).first.map(String.init) ?? "good"
    }

    /// Whole or not at all: who reads the folder sees no half of a body.
    static func store(_ body: [UInt8], in folder: String) {
        let number = count.withLock { count in
            count += 1
            return count
        }
        let name = String(repeating: "0", count: max(0, 4 - "\(number)".count)) + "\(number)"
        do { try Data(body).write(to: URL(filePath: "\(folder)/\(name).bin"), options: .atomic) } catch { fail("could not write: \(error)") }
    }
}

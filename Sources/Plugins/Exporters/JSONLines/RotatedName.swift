// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// What the old files of a path are called: `flows.jsonl` becomes `flows-2026-11-28T18-30-00.123Z.jsonl`, with the time of the rotation
/// in UTC. So they sort as they were written, and nothing else is taken for one of them.
struct RotatedName: Sendable {
    let folder: String
    private let stem: Substring
    private let ending: Substring

    init(_ path: String) {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        folder = slash == path.startIndex ? "/" : String(path[..<slash])
        let name = path[slash...].dropFirst()
        // A name that begins with its only dot has no ending.
        let dot = name.dropFirst().lastIndex(of: ".") ?? name.endIndex
        stem = name[..<dot]
        ending = name[dot...]
    }

    /// Whether the system takes a name as long as an old file's.
    var fits: Bool { stem.utf8.count + ending.utf8.count + 25 <= 255 }

    func path(of name: String) -> String { (folder == "/" ? "" : folder) + "/" + name }

    /// The name of the file that is rotated at `now`, in nanoseconds since 1970: behind `last`, also when the clock was set back.
    func next(after last: String?, now: UInt64) -> String {
        let before = last.flatMap { time(of: $0) }.map { $0 + 1_000_000 }
        var text: [UInt8] = []
        RFC3339.append(nanoseconds: max(now, before ?? 0), to: &text)
        // Other systems take no colon in a name.
        return "\(stem)-\(String(String(decoding: text, as: UTF8.self).map { $0 == ":" ? "-" : $0 }))\(ending)"
    }

    /// Of the names in the folder those of old files, the oldest first.
    func old(_ names: [String]) -> [String] { names.filter { time(of: $0) != nil }.sorted() }

    /// Nil for every name that `next` would not write.
    private func time(of name: String) -> UInt64? {
        guard name.utf8.count == stem.utf8.count + ending.utf8.count + 25, name.hasPrefix(stem), name.hasSuffix(ending) else { return nil }
        let text = Array(name.utf8.dropFirst(stem.utf8.count).prefix(25))
        guard text[0] == UInt8(ascii: "-"), text[20] == UInt8(ascii: ".") else { return nil }
        var stamp = Array(text.dropFirst())
        for place in [13, 16] {
            guard stamp[place] == UInt8(ascii: "-") else { return nil }
            stamp[place] = UInt8(ascii: ":")
        }
        return RFC3339.nanoseconds(String(decoding: stamp, as: UTF8.self))
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

public struct JSONLinesOptions: PluginOptions {
    /// Where lines go: an absolute path, or `-` for standard output.
    public var path = "-"
    /// When the file gives way to a new one; nil: never.
    public var rotate: RotateOptions?
    /// How often the series are read and written.
    public var interval = Duration.seconds(60)

    public init() {}

    public mutating func read(_ section: inout ConfigSection) {
        readPath(&section)
        readRotate(&section)
        section.read("interval", into: &interval, in: .seconds(1) ... .seconds(86_400))
    }

    private mutating func readPath(_ section: inout ConfigSection) {
        guard let node = section.take("path"), let found: String = section.scalar(node) else { return }
        // A service's working directory is not where its user stood: a relative path would surprise.
        guard found == "-" || (found.hasPrefix("/") && !found.hasSuffix("/") && !found.utf8.contains(0)) else {
            return section.note(
                .badValue, "'\(found)' is neither - (standard output) nor an absolute path such as /var/log/weir/flows.jsonl",
                at: node.position)
        }
        path = found
    }

    private mutating func readRotate(_ section: inout ConfigSection) {
        guard let node = section.take("rotate") else { return }
        if node.text == "off" { return }
        guard case .mapping = node.content, var inner = ConfigSection(node, problems: section.problems, files: section.files) else {
            let found = node.text.map { "'\($0)'" } ?? node.kindName
            return section.note(
                .wrongShape, "expected off or a mapping such as { size: 100MiB, age: 24h, keep: 7 }, found \(found)", at: node.position)
        }
        var found = RotateOptions()
        found.read(&inner)
        guard inner.finish() else { return }
        // Whether any other path is a plain file is seen when it is opened.
        guard path != "-", !["/dev/", "/proc/"].contains(where: path.hasPrefix) else {
            let what = path == "-" ? "standard output" : "'\(path)'"
            return section.note(
                .conflict, "\(what) is no file that could be rotated: write the path of one, or leave 'rotate' out", at: node.position)
        }
        guard RotatedName(path).fits else {
            return section.note(
                .conflict, "the name of the file is too long for a time to be added: a name has at most 255 bytes, and a time takes 25",
                at: node.position)
        }
        rotate = found
    }
}

/// When a file gives way to a new one, and how many old ones stay.
public struct RotateOptions: Sendable, Equatable {
    /// The file is never longer than this.
    public var size: ByteCount?
    /// From the time in the file's first line on.
    public var age: Duration?
    /// Old files that stay beside the one that is written.
    public var keep = 7

    public init() {}

    mutating func read(_ section: inout ConfigSection) {
        let before = section.problems.count
        section.read("size", into: &size, in: ByteCount(1 << 20)...ByteCount(1 << 40))
        section.read("age", into: &age, in: .seconds(60) ... .seconds(366 * 86_400))
        section.read("keep", into: &keep, in: 1...10_000)
        guard size == nil, age == nil, section.problems.count == before else { return }
        section.note(.missingKey, "rotate needs a size, an age, or both", at: section.position)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

public struct JSONLinesOptions: PluginOptions {
    /// Where lines go: an absolute path, or `-` for standard output.
    public var path = "-"

    public init() {}

    public mutating func read(_ section: inout ConfigSection) {
        guard let node = section.take("path"), let found: String = section.scalar(node) else { return }
        // A service's working directory is not where its user stood: a relative path would surprise.
        guard found == "-" || (found.hasPrefix("/") && !found.hasSuffix("/") && !found.utf8.contains(0)) else {
            return section.note(
                .badValue, "'\(found)' is neither - (standard output) nor an absolute path such as /var/log/weir/flows.jsonl",
                at: node.position)
        }
        path = found
    }
}

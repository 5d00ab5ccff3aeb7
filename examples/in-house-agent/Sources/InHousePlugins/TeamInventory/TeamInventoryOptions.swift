// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import WeirKit

/// What users write for `team_inventory`. The file is read and checked with the configuration, so that a bad line is an
/// error of `weir check`, with its place, and not a surprise at night.
public struct TeamInventoryOptions: PluginOptions {
    /// Where the inventory is; nil for none.
    public var file: InventoryFile?
    /// How often the file is looked at again.
    public var refresh: Duration = .seconds(30)

    public init() {}

    public mutating func read(_ section: inout ConfigSection) {
        if let node = section.take("file"), let path: String = section.scalar(node), !path.isEmpty {
            let found = InventoryFile(path: path, written: node.position, files: section.files)
            _ = found.read(section.problems)
            file = found
        }
        section.read("refresh", into: &refresh, in: .seconds(1) ... .seconds(86_400))
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// What users write for `cidr`. The tables are read and checked with the rest of the configuration, so that a bad
/// row is an error at its line and not a surprise at night.
public struct CIDROptions: PluginOptions {
    /// Where rows come from: the configuration itself, and files.
    var sources = TableSources()
    /// How often the files are looked at again.
    public var refresh: Duration = .seconds(10)
    /// What the sources held when the configuration was read.
    var loaded = LoadedTable()

    public init() {}

    public mutating func read(_ section: inout ConfigSection) {
        if let node = section.take("tables") { sources.inline = section.list(node) }
        if let node = section.take("file") {
            sources.files = section.list(node).compactMap { node in
                let path: String? = section.scalar(node)
                return path.flatMap { TableFile(path: $0, written: node.position, section: section) }
            }
        }
        section.read("refresh", into: &refresh, in: .seconds(1) ... .seconds(86_400))
        loaded = sources.load(section.problems)
    }

    /// The same when the same was written; what the files held does not count.
    public static func == (a: CIDROptions, b: CIDROptions) -> Bool { a.sources == b.sources && a.refresh == b.refresh }
}

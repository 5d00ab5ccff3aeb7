// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Where the rows of one instance come from.
struct TableSources: Equatable, Sendable {
    var inline: [ConfigNode] = []
    var files: [TableFile] = []

    /// Reads everything; what is wrong is noted.
    func load(_ problems: ConfigProblems) -> LoadedTable {
        load(files.map { $0.content() }, problems)
    }

    /// The same when a file no longer has the content that `known` stands for, else nil. A file that cannot be read
    /// has a fingerprint too (that of its error), so that an unchanged failure is told once.
    func reload(ifNot known: [UInt64], _ problems: ConfigProblems) -> LoadedTable? {
        let contents = files.map { $0.content() }
        return contents.map(\.fingerprint) == known ? nil : load(contents, problems)
    }

    private func load(_ contents: [TableFile.Content], _ problems: ConfigProblems) -> LoadedTable {
        var builder = TableBuilder(problems)
        for node in inline where !builder.isFull { InlineTable.add(node, to: &builder) }
        for (file, content) in zip(files, contents) where !builder.isFull { file.add(content, to: &builder) }
        return LoadedTable(table: builder.table, fingerprints: contents.map(\.fingerprint))
    }
}

/// A table, and what its files were when it was read.
struct LoadedTable: Sendable {
    var table = AttributeTable()
    var fingerprints: [UInt64] = []
}

/// Rows written in the configuration itself.
enum InlineTable {
    static func add(_ node: ConfigNode, to builder: inout TableBuilder) {
        guard case .mapping(let entries) = node.content else {
            return builder.note(
                "expected a row such as { cidr: 10.0.0.0/20, zone: eu-west-1a }, found \(node.kindName)", at: .node(node.position), .wrongShape)
        }
        var fields: [TableBuilder.Field] = []
        for entry in entries {
            guard let key = entry.key.text, let value = entry.value.text else {
                builder.note("expected a text, found \(entry.value.kindName)", at: .node(entry.value.position), .wrongShape)
                continue
            }
            fields.append(
                TableBuilder.Field(key: key, value: value, keyPlace: .node(entry.key.position), valuePlace: .node(entry.value.position)))
        }
        builder.add(fields, at: .node(node.position))
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Enriched flows as record exporters get them: the frozen, sendable copy of a batch's rows.
///
/// Texts are shared: a column holds numbers, `texts` each distinct text of the batch once.
public struct RecordBatch: Sendable {
    /// One selected attribute, all rows.
    public enum Column: Sendable {
        /// 0 for absent, else 1 + an index into `texts`.
        case texts([UInt32])
        case numbers([UInt32])
    }

    /// One value of one row.
    public enum Value: Sendable, Equatable {
        case text(String)
        case number(UInt32)
    }

    public let attributes: [SelectedAttribute]
    /// What each attribute is called by this exporter's `naming`: what to write. No two are the same.
    public let names: [String]
    public package(set) var columns: [Column]
    public package(set) var texts: [String]
    public package(set) var bytes: [UInt64]
    public package(set) var packets: [UInt64]
    /// The window in which the rows were counted, in nanoseconds since 1970.
    public package(set) var window: Range<UInt64>

    /// Without `names` the attributes have Weir's.
    package init(
        attributes: [SelectedAttribute], names: [String]? = nil, columns: [Column], texts: [String], bytes: [UInt64], packets: [UInt64],
        window: Range<UInt64>
    ) {
        precondition(names == nil || names?.count == attributes.count, "one name for each attribute")
        self.attributes = attributes
        self.names = names ?? attributes.map(\.name)
        self.columns = columns
        self.texts = texts
        self.bytes = bytes
        self.packets = packets
        self.window = window
    }

    public var count: Int { bytes.count }
    public var rows: Range<Int> { bytes.indices }

    /// The value of the attribute at `column` (its place in `attributes`); nil when absent.
    public func value(_ column: Int, _ row: Int) -> Value? {
        switch columns[column] {
        case .texts(let numbers): numbers[row] == 0 ? nil : .text(texts[Int(numbers[row]) - 1])
        case .numbers(let numbers): .number(numbers[row])
        }
    }
}

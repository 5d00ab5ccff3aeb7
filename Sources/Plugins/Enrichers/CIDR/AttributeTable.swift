// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Rows of attributes under address ranges, frozen once built. Each distinct text is kept once, a row costs four
/// bytes per column.
struct AttributeTable: Sendable {
    /// What the rows can answer: their columns, and `cidr` where there is a row at all.
    private(set) var attributes: [Attribute] = []
    private var columnOf: [Attribute: Int] = [:]
    /// Per column, per row: 0 for nothing, else 1 + an index into `texts`. Short columns go on with nothing.
    private var columns: [[UInt32]] = []
    private var texts: [String] = []
    private var numberOf: [String: UInt32] = [:]
    /// Row numbers under their ranges, and the prefix length of each row.
    private var prefixes = PrefixTable<UInt32>()
    private var lengths: [UInt8] = []

    init() {}

    var count: Int { lengths.count }

    /// Adds a row; the number of the row that stands under the same range already, if there is one.
    mutating func add(_ cidr: CIDR, _ values: [(attribute: Attribute, text: String)]) -> Int? {
        let row = lengths.count
        let twin = prefixes.insert(cidr, UInt32(row))
        lengths.append(UInt8(cidr.prefixLength))
        if row == 0 { declare(.cidr) }
        for (attribute, text) in values {
            let column = declare(attribute)
            while columns[column].count < row { columns[column].append(0) }
            columns[column].append(number(text))
        }
        return twin.map(Int.init)
    }

    /// Every row that holds `address`, the longest prefix first.
    func matches(_ address: IPAddress) -> Matches {
        Matches(address: address, rows: prefixes.matches(address))
    }

    struct Matches {
        let address: IPAddress
        let rows: [UInt32]
    }

    /// The attribute as the narrowest of the rows has it that says something of it. `cidr` is the narrowest range,
    /// or the name its row gives it.
    func text(of attribute: Attribute, in matches: Matches) -> String? {
        if attribute == .cidr {
            guard let row = matches.rows.first else { return nil }
            return cell(.name, row) ?? CIDR(matches.address, prefixLength: Int(lengths[Int(row)]))?.description
        }
        for row in matches.rows {
            if let text = cell(attribute, row) { return text }
        }
        return nil
    }

    /// How many different texts the attribute has.
    func valueCount(of attribute: Attribute) -> Int {
        let column = columnOf[attribute == .cidr ? .name : attribute].map { columns[$0] } ?? []
        let distinct = Set(column).subtracting([0]).count
        // A row without a name stands under its own range.
        return attribute == .cidr ? distinct + count - column.count { $0 != 0 } : distinct
    }

    private func cell(_ attribute: Attribute, _ row: UInt32) -> String? {
        guard let column = columnOf[attribute], Int(row) < columns[column].count else { return nil }
        let number = columns[column][Int(row)]
        return number == 0 ? nil : texts[Int(number) - 1]
    }

    @discardableResult
    private mutating func declare(_ attribute: Attribute) -> Int {
        if let column = columnOf[attribute] { return column }
        columnOf[attribute] = columns.count
        attributes.append(attribute)
        columns.append([])
        return columns.count - 1
    }

    private mutating func number(_ text: String) -> UInt32 {
        if let number = numberOf[text] { return number }
        texts.append(text)
        numberOf[text] = UInt32(texts.count)
        return UInt32(texts.count)
    }
}

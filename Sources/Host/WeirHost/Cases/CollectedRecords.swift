// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WeirKit

/// Keeps every record as facts by name, for a test.
final class CollectedRecords: RecordExporter {
    private let all = Mutex<[[String: String]]>([])

    /// A value that is not known has no key.
    var rows: [[String: String]] { all.withLock { $0 } }

    func export(_ records: RecordBatch) async throws(ExportError) {
        all.withLock { all in
            for row in records.rows {
                var facts = ["bytes": String(records.bytes[row]), "packets": String(records.packets[row])]
                for (column, attribute) in records.attributes.enumerated() {
                    switch records.value(column, row) {
                    case .text(let text): facts[attribute.name] = text
                    case .number(let number): facts[attribute.name] = String(number)
                    case nil: break
                    }
                }
                all.append(facts)
            }
        }
    }
}

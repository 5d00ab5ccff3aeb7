// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import JSONLinesExporter
private import Synchronization
internal import WeirTesting

/// A `json_lines` exporter whose file takes all and keeps nothing.
final class Sink: Sendable {
    private let taken = Atomic<Int>(0)

    var bytes: Int { taken.load(ordering: .relaxed) }

    var exporter: JSONLinesExporter {
        var calls = FileCalls.system
        calls.standardOutput = { () throws(FileError) in
            LineFile(descriptor: -1, isRegular: true, identity: nil)
        }
        calls.write = { [self] _, bytes, from throws(FileError) in
            taken.add(bytes.count - from, ordering: .relaxed)
            return bytes.count - from
        }
        calls.close = { _ in }
        return JSONLinesExporter(JSONLinesOptions(), .testing("json_lines"), calls: calls)
    }
}

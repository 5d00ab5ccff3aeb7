// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
internal import WeirKit

/// What stands before the records: `{"weir_tap":1,"version":"0.1.0","window":"5s","columns":["src.zone"],"not_captured":["src.port"]}`.
package struct TapHeader: Sendable, Equatable {
    /// Of the agent.
    package var version = ""
    package var window = ""
    /// What records have beside `time`, `bytes` and `packets`; a record has no key for what is absent.
    package var columns: [String] = []
    /// What exists and this plan does not capture: of what was asked for, or of everything when nothing was.
    package var notCaptured: [String] = []

    var line: [UInt8] {
        var bytes = Array("{\"weir_tap\":\(TapRequest.version),\"version\":".utf8)
        JSONText.append(version, to: &bytes)
        bytes += ",\"window\":".utf8
        JSONText.append(window, to: &bytes)
        bytes += ",\"columns\":".utf8
        bytes.append(texts: columns)
        bytes += ",\"not_captured\":".utf8
        bytes.append(texts: notCaptured)
        bytes += "}\n".utf8
        return bytes
    }
}

/// A line of the agent as the client reads it.
enum TapLine: Sendable, Equatable {
    case header(TapHeader)
    case record(TapRecord)
    /// So many records are missing here: the client was too slow for them.
    case lost(UInt64)
    case problem(TapProblem)

    /// Records begin so, and nothing else does.
    static let recordStart = Array("{\"time\":".utf8)

    /// Throws a sentence where an agent would not say that.
    init(_ line: [UInt8]) throws(JSONReader.Problem) {
        var reader = JSONReader(line)
        var values: [(path: [String], text: String)] = []
        try reader.leaves(maxDepth: 4) { (path, leaf) throws(JSONReader.Problem) in values.append((path, leaf.text)) }
        try reader.end("something follows the line")
        func first(_ key: String) -> String? { values.first { $0.path == [key] }?.text }
        func list(_ key: String) -> [String] { values.filter { $0.path.count == 2 && $0.path[0] == key }.map(\.text) }
        if line.starts(with: Self.recordStart) {
            self = .record(TapRecord(values))
        } else if first("weir_tap") == "\(TapRequest.version)" {
            self = .header(
                TapHeader(
                    version: first("version") ?? "", window: first("window") ?? "", columns: list("columns"), notCaptured: list("not_captured")))
        } else if let lost = first("lost").flatMap({ UInt64($0) }) {
            self = .lost(lost)
        } else if let message = first("error") {
            let reason = first("reason").flatMap(TapProblem.Reason.init(rawValue:)) ?? .ended
            self = .problem(TapProblem(reason, message, column: first("column").flatMap { Int($0) }))
        } else {
            throw JSONReader.Problem(message: "no line of a tap", offset: 0)
        }
    }
}

/// A record as the client shows it.
struct TapRecord: Sendable, Equatable {
    /// Who answered an attribute, and who would have.
    struct Explanation: Sendable, Equatable {
        var by: String?
        /// Stages behind the one that answered, which could write it too.
        var also: [String] = []
        /// Stages that had no answer.
        var asked: [String] = []
    }

    private(set) var values: [String: String] = [:]
    /// In the order of the columns.
    private(set) var explained: [(attribute: String, what: Explanation)] = []

    init(_ values: [(path: [String], text: String)]) {
        for (path, text) in values {
            if path.count == 1 { self.values[path[0]] = text }
            guard path.count >= 3, path[0] == "explain" else { continue }
            if explained.last?.attribute != path[1] { explained.append((path[1], Explanation())) }
            let last = explained.count - 1
            switch path[2] {
            case "by": explained[last].what.by = text
            case "also": explained[last].what.also.append(text)
            case "asked": explained[last].what.asked.append(text)
            default: break
            }
        }
    }

    static func == (a: TapRecord, b: TapRecord) -> Bool {
        a.values == b.values && a.explained.elementsEqual(b.explained) { $0.attribute == $1.attribute && $0.what == $1.what }
    }
}

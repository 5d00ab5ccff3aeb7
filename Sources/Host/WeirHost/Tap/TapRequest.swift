// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
internal import WeirKit

/// What a client of `weir tap` asks for, and the one line in which it does:
/// `{"weir_tap":1,"filter":"dst.zone == \"b\"","columns":["src.zone"],"explain":true}`.
package struct TapRequest: Sendable, Equatable {
    /// Of the lines in both directions. An agent of another version says so and closes.
    package static let version = 1
    /// Of the line: a client that sends more is no client.
    package static let maxBytes = 8192
    static let maxColumns = 256

    package var filter: String?
    /// Names and globs; empty for all that the plan captures.
    package var columns: [String] = []
    package var explains = false

    package init() {}

    /// Reads a line without its newline.
    package init(_ line: [UInt8]) throws(TapProblem) {
        guard line.count <= Self.maxBytes else { throw TapProblem(.request, "a request has at most \(Self.maxBytes) bytes") }
        var reader = JSONReader(line)
        var seen: Set<String> = []
        var version: String?
        var request = TapRequest()
        var problem: TapProblem?
        func note(_ message: String) { if problem == nil { problem = TapProblem(.request, message) } }
        do throws(JSONReader.Problem) {
            try reader.object(orSay: "expected a request such as {\"weir_tap\":1}") { (reader, key) throws(JSONReader.Problem) in
                if !seen.insert(key.text).inserted { note("'\(key.text.cleaned)' stands twice in the request") }
                if key.text == "columns" {
                    try reader.items(orSay: "columns is a list of texts") { (reader) throws(JSONReader.Problem) in
                        let item = try reader.value()
                        if !item.isQuoted { note("columns is a list of texts") }
                        if request.columns.count >= Self.maxColumns { note("more than \(Self.maxColumns) columns") }
                        if problem == nil { request.columns.append(item.text) }
                    }
                    return
                }
                let value = try reader.value()
                switch key.text {
                case "weir_tap": version = value.isQuoted ? nil : value.text
                case "filter":
                    if !value.isQuoted { note("filter is a text") }
                    request.filter = value.text
                case "explain":
                    if value.isQuoted || value.text != "true" && value.text != "false" { note("explain is true or false") }
                    request.explains = value.text == "true"
                default: note("unknown key '\(key.text.cleaned)' in the request")
                }
            }
            try reader.end("something follows the request")
        } catch {
            throw TapProblem(.request, "\(error.message.cleaned) (byte \(error.offset) of the request)")
        }
        // First, since another version may have other keys.
        guard version == "\(Self.version)" else {
            throw TapProblem(.version, "this agent speaks version \(Self.version) of the tap's lines; use the weir of the agent's own version")
        }
        if let problem { throw problem }
        self = request
    }

    /// With its newline.
    package var line: [UInt8] {
        var bytes = Array("{\"weir_tap\":\(Self.version)".utf8)
        if let filter {
            bytes += ",\"filter\":".utf8
            JSONText.append(filter, to: &bytes)
        }
        if !columns.isEmpty {
            bytes += ",\"columns\":".utf8
            bytes.append(texts: columns)
        }
        if explains { bytes += ",\"explain\":true".utf8 }
        bytes += "}\n".utf8
        return bytes
    }
}

/// Why a tap cannot be had, or ended; the agent's last line to a client: `{"error":"unknown attribute 'src.zon'","reason":"filter","column":1}`.
package struct TapProblem: Error, Equatable {
    package enum Reason: String, CaseIterable, Sendable {
        /// What the user asked for cannot be.
        case filter, columns
        /// What the client sent is no request, is one of another version, or did not come in time.
        case request, version, timeout
        /// As many clients as there may be are there already.
        case full
        /// The filter keeps the agent from its work.
        case slow
        /// The agent stops, or a reload took the tap away.
        case ended
    }

    package let reason: Reason
    package let message: String
    /// Where in the filter, in characters from 1.
    package let column: Int?

    package init(_ reason: Reason, _ message: String, column: Int? = nil) {
        self.reason = reason
        self.message = message
        self.column = column
    }

    var line: [UInt8] {
        var bytes = Array("{\"error\":".utf8)
        JSONText.append(message, to: &bytes)
        bytes += ",\"reason\":\"\(reason.rawValue)\"".utf8
        if let column { bytes += ",\"column\":\(column)".utf8 }
        bytes += "}\n".utf8
        return bytes
    }
}

extension [UInt8] {
    /// `["a","b"]`.
    mutating func append(texts: [String]) {
        append(UInt8(ascii: "["))
        for (index, text) in texts.enumerated() {
            if index > 0 { append(UInt8(ascii: ",")) }
            JSONText.append(text, to: &self)
        }
        append(UInt8(ascii: "]"))
    }
}

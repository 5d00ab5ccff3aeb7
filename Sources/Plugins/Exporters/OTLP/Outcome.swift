// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import OTLPMessages
internal import SwiftProtobuf
internal import WeirKit

/// What became of one request.
package enum Outcome: Equatable, Sendable {
    /// The receiver has it, but for so many points.
    case delivered(rejected: Int64, message: String)
    /// The receiver has it; what it said beside that could not be read.
    case deliveredUnread
    /// The same bytes go again, not before this time if it is said.
    case again(after: Duration?, reason: String, message: String)
    /// They never go again.
    case refused(reason: String, message: String)

    /// Bytes of an answer that are read.
    package static let maxBody = 64 << 10

    /// As OTLP's specification says: 429, 502, 503 and 504 are tried again, every other 4xx and 5xx is final.
    package init(status: Int, type: String, retryAfter: String?, body: [UInt8]?, now: UInt64) {
        switch status {
        case 200..<300:
            guard let body, let response = Self.decode(body, type) else {
                self = .deliveredUnread
                return
            }
            let partial = response.partialSuccess
            self = .delivered(rejected: max(0, partial.rejectedDataPoints), message: partial.errorMessage.shown)
        case 429, 502, 503, 504:
            let wait = retryAfter.flatMap { RetryAfter.wait($0, now: now) }
            self = .again(after: wait, reason: "http_\(status)", message: Self.message(body, type))
        default: self = .refused(reason: Self.reason(status), message: Self.message(body, type))
        }
    }

    /// Nil for what is no message. A receiver that says nothing has taken everything, whatever it calls that nothing.
    private static func decode(_ body: [UInt8], _ type: String) -> OTLPExportMetricsServiceResponse? {
        if body.isEmpty { return OTLPExportMetricsServiceResponse() }
        guard isProtobuf(type) else { return nil }
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = 8
        options.discardUnknownFields = true
        return try? OTLPExportMetricsServiceResponse(serializedBytes: body, options: options)
    }

    /// What the receiver says is wrong: a `google.rpc.Status` by the specification, often plain text.
    private static func message(_ body: [UInt8]?, _ type: String) -> String {
        guard let body, !body.isEmpty else { return "" }
        if isProtobuf(type) {
            var options = BinaryDecodingOptions()
            options.messageDepthLimit = 8
            options.discardUnknownFields = true
            return (try? OTLPStatus(serializedBytes: body, options: options))?.message.shown ?? ""
        }
        return String(decoding: body.prefix(512), as: UTF8.self).shown
    }

    private static func isProtobuf(_ type: String) -> Bool {
        let type = type.prefix { $0 != ";" }.trimmed.lowercased()
        return type == "application/x-protobuf" || type == "application/protobuf"
    }

    /// Few words, whatever a server answers.
    private static func reason(_ status: Int) -> String {
        switch status {
        case 400, 401, 403, 404, 405, 413, 415, 500: "http_\(status)"
        case 300..<400: "http_3xx"
        case 400..<500: "http_4xx"
        case 500..<600: "http_5xx"
        default: "http_other"
        }
    }
}

extension String {
    /// For a log: one line of at most 256 bytes without control characters.
    var shown: String {
        let line = String(unicodeScalars.lazy.prefix(256).map { $0.properties.generalCategory == .control ? " " : Character($0) })
        var text = line[...]
        while text.utf8.count > 256 { text = text.dropLast() }
        return String(text)
    }
}

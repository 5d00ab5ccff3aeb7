// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Gzip
internal import OTLPExporter

extension FuzzTarget {
    /// What a receiver of OTLP answers: a line with status, Content-Type and Retry-After between tabs, then the body.
    static let otlpAnswer = FuzzTarget(
        "otlp_answer",
        words: [
            "200", "429", "503", "400", "\t", "\n", "application/x-protobuf", "text/plain", "Sun, 06 Nov 1994 08:49:37 GMT", "120",
            "\u{0a}\u{02}\u{08}\u{01}",
            "\u{08}\u{ff}",
        ]
    ) { (bytes) throws(BrokenLaw) in
        let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        let words = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\t", omittingEmptySubsequences: false)
        let status = words.first.flatMap { Int($0) } ?? 200
        let body: [UInt8]? = end == bytes.count ? nil : Array(bytes[(end + 1)...])
        func outcome() -> Outcome {
            Outcome(
                status: status, type: words.count > 1 ? String(words[1]) : "", retryAfter: words.count > 2 ? String(words[2]) : nil, body: body,
                now: 784_111_777_000_000_000)
        }
        let found = outcome()
        try require(found == outcome(), "the same answer means two things")
        let isSuccess = (200..<300).contains(status)
        let isAgain = [429, 502, 503, 504].contains(status)
        switch found {
        case .delivered(let rejected, let message):
            try require(isSuccess && rejected >= 0, "\(status) took points, or fewer than none were left out")
            try requireShown(message)
        case .deliveredUnread: try require(isSuccess, "\(status) took points")
        case .again(let after, let reason, let message):
            try require(isAgain && reason == "http_\(status)", "\(status) is to be tried again, as \(reason)")
            if let after { try require((.zero)...RetryAfter.longest ~= after, "to be obeyed for \(after)") }
            try requireShown(message)
        case .refused(let reason, let message):
            try require(!isSuccess && !isAgain && reason.utf8.count <= 10, "\(status) is final, as \(reason)")
            try requireShown(message)
        }
    }

    private static func requireShown(_ text: String) throws(BrokenLaw) {
        try require(text.utf8.count <= 256, "a message of \(text.utf8.count) bytes goes to the log")
        try require(text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }, "control characters go to the log")
    }

    /// The gzip format: unpacks within its limit, and what was unpacked is packed and unpacked to the same.
    static let gzip = FuzzTarget("gzip", words: ["\u{1f}\u{8b}\u{08}", "\u{00}\u{00}"]) { (bytes) throws(BrokenLaw) in
        for content in [bytes, (try? Gzip.unpacked(bytes, maxBytes: 1 << 16)) ?? []] {
            try require(content.count <= 1 << 16, "more was unpacked than allowed")
            let again = try? Gzip.unpacked(Gzip.packed(content, level: 1), maxBytes: content.count)
            try require(again == content, "what was packed is not unpacked to the same")
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// The header by which a server says when to come again (RFC 9110 10.2.3).
package enum RetryAfter {
    /// No server is obeyed for longer.
    package static let longest = Duration.seconds(600)

    /// Whole seconds, or a date such as `Sun, 06 Nov 1994 08:49:37 GMT`; nil for anything else. `now` is in nanoseconds since 1970.
    package static func wait(_ text: String, now: UInt64) -> Duration? {
        let text = text.utf8.prefix(64)
        if !text.isEmpty, text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            // More digits than a number has are simply very long.
            guard let seconds = Int64(String(decoding: text, as: UTF8.self)) else { return longest }
            return min(.seconds(min(seconds, 1_000_000)), longest)
        }
        guard let then = date(String(decoding: text, as: UTF8.self)) else { return nil }
        guard then > now else { return .zero }
        return min(.nanoseconds(Int64(clamping: then - now)), longest)
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    private static let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

    /// An IMF-fixdate, the form that senders must use, in nanoseconds since 1970.
    private static func date(_ text: String) -> UInt64? {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 6, words[0].last == ",", days.contains(String(words[0].dropLast())), words[5] == "GMT",
            words[1].utf8.count == 2, let month = months.firstIndex(of: String(words[2])), words[3].utf8.count == 4
        else { return nil }
        let number = month + 1
        return RFC3339.nanoseconds("\(words[3])-\(number < 10 ? "0" : "")\(number)-\(words[1])T\(words[4])Z")
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Numbers as people read them.
package enum HumanUnits {
    /// `1,023 B`, `12.3 MiB`: one digit behind the point, at most four before it.
    package static func bytes(_ count: UInt64) -> String {
        if count < 1024 { return "\(grouped(count)) B" }
        var size = Double(count)
        var unit = ""
        for name in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
            size /= 1024
            unit = name
            // Not 1024: what would be rounded to "1,024.0 KiB" is "1.0 MiB".
            if size < 1023.95 { break }
        }
        let tenths = UInt64((size * 10).rounded())
        return "\(grouped(tenths / 10)).\(tenths % 10) \(unit)"
    }

    /// `9,120`.
    package static func grouped(_ number: UInt64) -> String {
        let digits = String(number)
        var text = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.utf8.count - place) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// `12:00:05`, in UTC: the same on every host, and without the system's tables.
    package static func clock(_ nanoseconds: UInt64) -> String {
        let seconds = nanoseconds / 1_000_000_000 % 86_400
        return [seconds / 3600, seconds / 60 % 60, seconds % 60].map { ($0 < 10 ? "0" : "") + String($0) }.joined(separator: ":")
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Points in time as `2026-01-02T03:04:05.678Z`, without a calendar library.
public enum RFC3339 {
    /// Nanoseconds since 1970, cut to milliseconds, in UTC.
    public static func append(nanoseconds: UInt64, to bytes: inout [UInt8]) {
        let seconds = nanoseconds / 1_000_000_000
        let (year, month, day) = date(daysSince1970: seconds / 86_400)
        append(year, digits: 4, then: "-", to: &bytes)
        append(month, digits: 2, then: "-", to: &bytes)
        append(day, digits: 2, then: "T", to: &bytes)
        append(seconds % 86_400 / 3600, digits: 2, then: ":", to: &bytes)
        append(seconds % 3600 / 60, digits: 2, then: ":", to: &bytes)
        append(seconds % 60, digits: 2, then: ".", to: &bytes)
        append(nanoseconds / 1_000_000 % 1000, digits: 3, then: "Z", to: &bytes)
    }

    /// Reads what `append` writes, with any number of digits behind the point up to nine, or none: nanoseconds since 1970. Nil for
    /// anything else, times before 1970 and after 2500 included.
    public static func nanoseconds(_ text: some StringProtocol) -> UInt64? {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> UInt64? {
            var value: UInt64 = 0
            for byte in bytes[range] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
            }
            return value
        }
        guard (20...30).contains(bytes.count), bytes.last == UInt8(ascii: "Z"),
            bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"), let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1970...2500).contains(year), (1...12).contains(month), day >= 1, hour < 24, minute < 60, second < 60
        else { return nil }
        var fraction: UInt64 = 0
        if bytes.count > 20 {
            guard bytes[19] == UInt8(ascii: "."), bytes.count > 21, let digits = number(20..<bytes.count - 1) else { return nil }
            fraction = digits
            for _ in bytes.count - 21..<9 { fraction *= 10 }
        }
        // Howard Hinnant's days_from_civil, the other way round from `date`.
        let shifted = month > 2 ? month - 3 : month + 9
        let marchYear = month > 2 ? year : year - 1
        let dayOfEra = marchYear % 400 * 365 + marchYear % 400 / 4 - marchYear % 400 / 100 + (153 * shifted + 2) / 5 + day - 1
        let days = marchYear / 400 * 146_097 + dayOfEra - 719_468
        // 31 February would be a day in March.
        guard date(daysSince1970: days) == (year, month, day) else { return nil }
        return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000_000 + fraction
    }

    /// Howard Hinnant's civil_from_days (https://howardhinnant.github.io/date_algorithms.html): years begin in March,
    /// so that the leap day comes last; an era is 400 years of 146,097 days.
    private static func date(daysSince1970: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        let days = daysSince1970 + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func append(_ number: UInt64, digits: Int, then mark: Unicode.Scalar, to bytes: inout [UInt8]) {
        var size: UInt64 = 1
        for _ in 1..<digits { size *= 10 }
        while size > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / size % 10))
            size /= 10
        }
        bytes.append(UInt8(ascii: mark))
    }
}

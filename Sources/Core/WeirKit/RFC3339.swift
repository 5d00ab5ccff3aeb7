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

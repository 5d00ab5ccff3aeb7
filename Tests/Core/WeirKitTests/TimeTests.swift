// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirKit

@Suite("times in UTC")
struct TimeTests {
    @Test("by a clock that is set back times grow, or follow it at once")
    func setBack() {
        let last: UInt64 = 1_000_000_000_000
        for back in [0, 1, WallTime.smallStep - 1] { #expect(WallTime.next(after: last, now: last - back) == last + 1) }
        for now in [last - WallTime.smallStep, 0, last + 1, last * 2] { #expect(WallTime.next(after: last, now: now) == now) }
    }

    @Test("a time that was written is read as the same millisecond, leap days and ends of centuries included")
    func roundTrip() {
        let day: UInt64 = 86_400_000
        for milliseconds in stride(from: UInt64(0), to: 190_000 * day, by: Int(11 * day + 12_345_679)) {
            var bytes: [UInt8] = []
            RFC3339.append(nanoseconds: milliseconds * 1_000_000, to: &bytes)
            #expect(RFC3339.nanoseconds(String(decoding: bytes, as: UTF8.self)) == milliseconds * 1_000_000)
        }
    }

    @Test(
        "other ways to write a time, and what is none",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:01.5Z", 1_500_000_000), ("1970-01-01T00:00:00.123456789Z", 123_456_789),
            ("2000-02-29T00:00:00Z", 951_782_400_000_000_000), ("1900-02-29T00:00:00Z", nil), ("2023-02-29T00:00:00Z", nil),
            ("2023-04-31T00:00:00Z", nil), ("2023-13-01T00:00:00Z", nil), ("2023-01-01T24:00:00Z", nil), ("2023-01-01T00:00:00", nil),
            ("2023-01-01T00:00:00+01:00", nil), ("2023-01-01T00:00:00.Z", nil), ("2023-01-01 00:00:00Z", nil), ("", nil), ("Z", nil),
            ("2023-01-01T00:00:00.1234567890Z", nil),
        ] as [(String, UInt64?)])
    func reading(_ text: String, _ expected: UInt64?) { #expect(RFC3339.nanoseconds(text) == expected) }
}

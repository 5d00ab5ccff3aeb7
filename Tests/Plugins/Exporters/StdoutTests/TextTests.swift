// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import StdoutExporter
internal import Testing

@Suite("stdout: words and numbers")
struct TextTests {
    @Test(
        "bytes are binary, with one digit behind the point",
        arguments: [
            (0, "0 B"), (1023, "1,023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (1_048_523, "1,023.9 KiB"), (1_048_524, "1,023.9 KiB"),
            (1_048_525, "1.0 MiB"),
            (1_048_576, "1.0 MiB"), (12_897_485, "12.3 MiB"), (1 << 30, "1.0 GiB"), (1 << 40, "1.0 TiB"), (1 << 50, "1.0 PiB"), (.max, "16.0 EiB"),
        ] as [(UInt64, String)])
    func bytes(_ count: UInt64, _ expected: String) {
        #expect(HumanUnits.bytes(count) == expected)
    }

    @Test("numbers are grouped by thousands", arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] as [(UInt64, String)])
    func grouped(_ number: UInt64, _ expected: String) {
        #expect(HumanUnits.grouped(number) == expected)
    }

    @Test("the clock is UTC")
    func clock() {
        #expect(HumanUnits.clock(moment) == "03:04:05")
        #expect(HumanUnits.clock(0) == "00:00:00")
        #expect(HumanUnits.clock(86_399_999_999_999) == "23:59:59")
    }

    @Test(
        "width is counted in cells",
        arguments: [
            ("", 0), ("abc", 3), ("käse", 4), ("ka\u{308}se", 4), ("東京", 4), ("한글", 4), ("ｆ", 2), ("🧀", 2), ("👩‍👩‍👧", 2), ("❤\u{FE0F}", 2), ("→…", 2),
        ])
    func width(_ text: String, _ expected: Int) {
        #expect(DisplayText.width(text) == expected)
    }

    @Test(
        "cut texts end in an ellipsis and never in half a letter",
        arguments: [
            ("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("abcdef", 1, "…"), ("東京東京", 8, "東京東京"), ("東京東京", 7, "東京東…"),
            ("東京東京", 6, "東京…"), ("ka\u{308}se", 3, "ka\u{308}…"),
        ])
    func cut(_ text: String, _ width: Int, _ expected: String) {
        let found = DisplayText.cut(text, to: width)
        #expect(found == expected)
        #expect(DisplayText.width(found) <= width)
        #expect(DisplayText.width(DisplayText.padded(found, to: width, toTheRight: false)) == width)
    }
}

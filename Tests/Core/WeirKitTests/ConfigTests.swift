// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirKit

@Suite("What users write becomes values, or a problem with its place")
struct ConfigTests {
    @Test(
        "durations",
        arguments: [
            ("30s", 30_000), ("1500ms", 1500), ("5m", 300_000), ("1h30m", 5_400_000), ("0s", 0), ("1h1m1s1ms", 3_661_001),
            ("", nil), ("30", nil), ("s", nil), ("1.5s", nil), ("-1s", nil), ("1m1h", nil), ("1s1s", nil), ("1d", nil), ("1 s", nil),
            ("99999999999s", nil), ("1s ", nil), ("999999999h9999999s", nil),
        ] as [(String, Int64?)])
    func durations(text: String, milliseconds: Int64?) {
        #expect(Duration(configText: text)?.milliseconds == milliseconds)
        if let milliseconds { #expect(Duration(configText: Duration.milliseconds(milliseconds).configText)?.milliseconds == milliseconds) }
    }

    @Test(
        "sizes",
        arguments: [
            ("64KiB", 65_536), ("10MiB", 10_485_760), ("1GiB", 1 << 30), ("7", 7), ("7B", 7), ("0", 0),
            ("", nil), ("-1", nil), ("1KB", nil), ("KiB", nil), ("99999999999999GiB", nil), ("1.5MiB", nil),
        ] as [(String, Int?)])
    func sizes(text: String, bytes: Int?) {
        #expect(ByteCount(configText: text)?.bytes == bytes)
        if let bytes { #expect(ByteCount(configText: ByteCount(bytes).configText)?.bytes == bytes) }
    }

    @Test(
        "a slip gets a suggestion, a different word none",
        arguments: [
            ("max_paralel", "max_parallel"), ("zoen", "zone"), ("refesh", "refresh"), ("zon", "zone"), ("banana", nil), ("x", nil), ("", nil),
        ] as [(String, String?)])
    func suggestions(word: String, expected: String?) {
        #expect(Suggestion.nearest(to: word, among: ["max_parallel", "zone", "refresh", "region"]) == expected)
    }

    @Test(
        "globs",
        arguments: [
            ("*", "", true), ("*", "any", true), ("", "", true), ("", "x", false), ("network.*", "network.flow.bytes", true),
            ("network.*", "net", false), ("*bytes", "flow.bytes", true), ("a*b*c", "aXXbYYbZc", true), ("a*b*c", "aXXbYY", false),
            ("?", "é", true), ("?", "", false), ("??", "é", false), ("a?c", "abc", true), ("[ab]", "a", false), ("[ab]", "[ab]", true),
            ("**", "x", true), ("*a", "baa", true), ("a.c", "abc", false),
        ])
    func globs(pattern: String, text: String, expected: Bool) { #expect(Glob(pattern).matches(text) == expected) }

    @Test("a hostile glob costs length times length, no more")
    func hostileGlob() {
        let pattern = Glob(String(repeating: "*a", count: 100) + "b")
        let took = ContinuousClock().measure { for _ in 0..<100 { #expect(!pattern.matches(String(repeating: "a", count: 256))) } }
        #expect(took < .seconds(2))
    }

    private func at(_ line: Int, _ column: Int) -> ConfigPosition { ConfigPosition(file: "f", line: line, column: column) }

    private func section(_ entries: [(String, ConfigNode.Content)], _ problems: ConfigProblems) throws -> ConfigSection {
        let node = ConfigNode(
            .mapping(
                entries.enumerated().map { index, entry in
                    ConfigNode.Entry(
                        key: ConfigNode(.scalar(entry.0), at: at(index + 1, 1)), value: ConfigNode(entry.1, at: at(index + 1, 10)))
                }), at: at(1, 1))
        return try #require(ConfigSection(node, problems: problems, files: .none))
    }

    @Test("what is written is read, what is not keeps its default")
    func reading() throws {
        let problems = ConfigProblems()
        var section = try section([("ttl", .scalar("5m")), ("names", .scalar("one"))], problems)
        var (ttl, count, names) = (Duration.seconds(1), 7, [String]())
        section.read("ttl", into: &ttl, in: .seconds(1) ... .seconds(3600))
        section.read("count", into: &count)
        section.read("names", into: &names)
        let isGood = section.finish()
        #expect(isGood)
        #expect(ttl == .seconds(300) && count == 7 && names == ["one"])
    }

    @Test("all problems of a section are told, each at its place")
    func problems() throws {
        let problems = ConfigProblems()
        var section = try section(
            [("ttl", .scalar("one hour")), ("count", .scalar("99")), ("cuont", .scalar("1")), ("flag", .list([])), ("inner", .scalar("x"))], problems)
        var (ttl, count, flag) = (Duration.seconds(1), 7, false)
        section.read("ttl", into: &ttl)
        section.read("count", into: &count, in: 1...8)
        section.read("flag", into: &flag)
        let inner = section.section("inner")
        #expect(inner == nil)
        section.missing("path")
        let isGood = section.finish()
        #expect(!isGood)
        #expect(ttl == .seconds(1) && count == 7 && !flag)
        #expect(
            problems.all.map { "\($0.position) \($0.kind) \($0.message)" } == [
                "f:1:1 missingKey 'path' is missing here",
                "f:1:10 badValue 'one hour' is not a duration such as 30s, 5m or 1h",
                "f:2:10 outOfRange count is from 1 to 8",
                "f:3:1 unknownKey unknown key 'cuont'; did you mean 'count'?",
                "f:4:10 wrongShape expected true or false, found a list",
                "f:5:10 wrongShape expected a mapping of keys to values, found a value",
            ])
    }

    @Test("a section's problems are its own: those of another do not fail it")
    func ownProblems() throws {
        let problems = ConfigProblems()
        problems.note(.syntax, "elsewhere", at: at(9, 9))
        var section = try section([], problems)
        let isGood = section.finish()
        #expect(isGood)
    }

    @Test("a million problems are counted, a thousand kept, one noted twice is one")
    func manyProblems() {
        let problems = ConfigProblems()
        for _ in 0..<2 { problems.note(.syntax, "same", at: at(1, 1)) }
        #expect(problems.count == 1)
        for line in 0..<1_000_000 { problems.note(.badValue, "x", at: at(line, 1)) }
        #expect(problems.count == 1_000_001)
        #expect(problems.all.count == ConfigProblems.maxKept)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Patterns
import Synchronization
import Testing

@Suite("Patterns search short texts, and never long")
struct PatternTests {
    @Test(
        "a pattern is found anywhere unless it is anchored",
        arguments: [
            ("web", "my-web-1", true), ("^web", "my-web-1", false), ("^web-\\d+$", "web-12", true), ("", "", true), ("", "x", true),
            ("x", "", false), ("(?i)WEB", "web", true), ("^.$", "é", true), ("a(?=b)", "ab", true), ("(a|b)\\1", "bb", true),
        ])
    func search(pattern: String, text: String, expected: Bool) throws {
        #expect(try Pattern(pattern).matches(text) == expected)
    }

    @Test(
        "a text that is no pattern has a message and the characters in front of it",
        arguments: [("ab(c", 4, "parenthesis"), ("é[z-a]", 4, "range"), ("*", 0, "quantifier"), ("\\C", 2, "\\C")])
    func errors(pattern: String, offset: Int, word: String) {
        let error = #expect(throws: PatternError.self) { try Pattern(pattern) }
        #expect(error?.offset == offset)
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
    }

    @Test("patterns too long or too deep are refused")
    func limits() {
        #expect(throws: PatternError.self) { try Pattern(String(repeating: "a", count: 5000)) }
        #expect(throws: PatternError.self) { try Pattern(String(repeating: "(", count: 60) + String(repeating: ")", count: 60)) }
        #expect(throws: PatternError.self) { try Pattern("(((a{1,1000}){1,1000}){1,1000}){1,1000}") }
    }

    @Test("no more than 256 bytes are looked at, and never half a character")
    func cut() throws {
        let long = String(repeating: "é", count: 200) + "end"
        #expect(try !Pattern("end").matches(long))
        #expect(try Pattern("^é{128}$").matches(long))
        #expect(try Pattern("^xé{127}$").matches("x" + long))
    }

    @Test("a hostile pattern gives up soon, is no match, and is counted")
    func hostile() throws {
        let pattern = try Pattern("^(a+)+$")
        let before = Pattern.givenUp.load(ordering: .relaxed)
        let nested = try Pattern("(.*)*(.*)*(.*)*x\\1\\2\\3y")
        let took = ContinuousClock().measure {
            for _ in 0..<10 { #expect(!pattern.matches(String(repeating: "a", count: 255) + "b")) }
            #expect(!nested.matches(String(repeating: "x", count: 256)))
        }
        #expect(Pattern.givenUp.load(ordering: .relaxed) >= before + 10)
        #expect(took < .seconds(1))
    }

    @Test("one pattern may be used by many threads")
    func threads() async throws {
        let pattern = try Pattern("^(web|db)-[0-9]+$")
        await withTaskGroup(of: Int.self) { group in
            for task in 0..<8 {
                group.addTask { (0..<500).count { pattern.matches($0 % 2 == 0 ? "web-\($0)" : "cache-\(task)") } }
            }
            for await count in group { #expect(count == 250) }
        }
    }
}

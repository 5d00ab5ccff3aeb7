// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import PlainJSON
import Testing

@Suite("JSON: the leaves of a document, however it is nested")
struct JSONLeavesTests {
    /// `a.b=x` for every leaf; quoted texts in quotes.
    private func leaves(_ json: String, maxDepth: Int = 32) throws(JSONReader.Problem) -> [String] {
        var reader = JSONReader(Array(json.utf8))
        var found: [String] = []
        try reader.leaves(maxDepth: maxDepth) { (path, leaf) throws(JSONReader.Problem) in
            found.append(path.joined(separator: ".") + "=" + (leaf.isQuoted ? "\"\(leaf.text)\"" : leaf.text))
        }
        try reader.end("expected the end")
        return found
    }

    private func problem(_ json: String, maxDepth: Int = 32) -> String? {
        do {
            _ = try leaves(json, maxDepth: maxDepth)
            return nil
        } catch { return "\(error.offset): \(error.message)" }
    }

    @Test("objects and lists in each other, in the order of the document")
    func nested() throws {
        let json = #" { "a" : { "b" : "x" , "c" : [ 1, { "d" : true }, [ null ], [], {} ] } , "e" : -0.5e3 } "#
        #expect(try leaves(json) == [#"a.b="x""#, "a.c.0=1", "a.c.1.d=true", "a.c.2.0=", "e=-0.5e3"])
    }

    @Test("a leaf alone is a document too")
    func alone() throws {
        #expect(try leaves(#"  "x"  "#) == [#"="x""#])
        #expect(try leaves("[]") == [])
        #expect(try leaves("{}") == [])
    }

    @Test(
        "what is no JSON has the offset of its byte",
        arguments: [
            ("", "0: expected a value"), ("<html>", "0: '<html>' is no JSON value; a text needs double quotes"),
            (#"{"a":{"b"}}"#, "9: expected ':' behind the key"),
            (#"{"a":[1 2]}"#, "8: expected ',' or ']'"), (#"[1,]"#, "3: expected a value"), (#"{"a":{}"#, "7: expected ',' or '}'"),
            (#"{} {}"#, "3: expected the end"), (#"["x]"#, "1: the text that begins here is not closed"),
        ])
    func wrong(json: String, expected: String) { #expect(problem(json) == expected) }

    @Test("nesting has a limit, and a megabyte of brackets is no stack overflow")
    func depth() {
        #expect(problem("[[1]]", maxDepth: 2) == nil)
        #expect(problem("[[1]]", maxDepth: 1) == "1: nested deeper than 1 levels")
        #expect(problem(String(repeating: "[", count: 1 << 20)) == "32: nested deeper than 32 levels")
        #expect(problem(String(repeating: #"{"a":"#, count: 1 << 18)) == "160: nested deeper than 32 levels")
    }
}

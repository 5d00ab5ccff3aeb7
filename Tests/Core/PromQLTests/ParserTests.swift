// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import PromQL
import Testing

@Suite("PromQL")
struct ParserTests {
    private static func parse(_ text: String) throws(PromQLError) -> Expression { try Parser.parse(Array(text.utf8)) }

    /// The tree in brackets: what binds to what.
    private static func shape(_ expression: Expression) -> String {
        switch expression {
        case .number(let value, _): value == value.rounded() && abs(value) < 1e9 ? String(Int(value)) : String(value)
        case .text: "text"
        case .variable: "$"
        case .negative(let inner, _): "-\(shape(inner))"
        case .group(let inner, _): shape(inner)
        case .selector(let selector):
            (selector.name?.text ?? "")
                + (selector.matchers.isEmpty
                    ? "" : "{" + selector.matchers.map { "\($0.label.text)\($0.operation)\($0.value)" }.joined(separator: ",") + "}")
        case .call(let call):
            call.name.text + (call.labels.isEmpty ? "" : "<" + call.labels.map(\.text).joined(separator: ",") + ">") + "("
                + call.arguments.map(shape).joined(separator: ",") + ")"
        case .binary(let binary):
            "[\(shape(binary.left)) \(binary.operation.text)"
                + (binary.labels.isEmpty ? "" : "<" + binary.labels.map(\.text).joined(separator: ",") + ">") + " \(shape(binary.right))]"
        }
    }

    @Test(
        "what binds to what",
        arguments: [
            ("a + b * c", "[a + [b * c]]"), ("a / b / 2", "[[a / b] / 2]"), ("a ^ b ^ c", "[a ^ [b ^ c]]"), ("-a ^ 2", "-[a ^ 2]"),
            ("-a * 2", "[-a * 2]"), ("a and b or c unless d", "[[a and b] or [c unless d]]"), ("a > bool b + 1", "[a > [b + 1]]"),
            ("sum by (x, y) (rate(m{a=\"b\",c!~'d'}[5m:1m] offset -5m @ end()))", "sum<x,y>(rate(m{a=b,c!~d}))"),
            ("sum(m) without (x)", "sum<x>(m)"), ("a / on (x) group_left(y) b", "[a /<x,y> b]"), ("{\"a.b\", x=`y`}", "a.b{x=y}"),
            ("{__name__=\"m\"}", "m{__name__=m}"), ("a:b:rate5m / 2e0", "[a:b:rate5m / 2]"), ("0x10 - Inf", "[16 - inf]"),
            ("1_000 % +3", "[1000 % 3]"),
            ("m[$__range] * ${factor}", "[m * $]"), ("$f(m)", "$(m)"), ("topk(5, m # five\n)", "topk(5,m)"), ("sum(m) by (x) > 0", "[sum<x>(m) > 0]"),
            ("vector(2) * .5", "[vector(2) * 0.5]"), ("by", "by"), ("on / by", "[on / by]"), ("SUM BY (x) (m)", "SUM<x>(m)"),
        ])
    func shapes(_ text: String, _ expected: String) throws { #expect(Self.shape(try Self.parse(text)) == expected) }

    @Test(
        "what is no query is refused where it goes wrong",
        arguments: [
            ("", 0), ("a b", 2), ("sum(a", 5), ("a{b}", 3), ("a{b=c}", 4), ("a[5m", 4), ("1e", 0), ("a / ", 4), ("'x", 0), ("{{ .x }}", 1),
            ("a !! b", 2),
            ("$", 0), ("a{b='x' c='y'}", 8), ("é", 0), ("rate(a[5m)", 10),
        ])
    func refused(_ text: String, _ offset: Int) {
        #expect(throws: PromQLError.self) { try Self.parse(text) }
        do throws(PromQLError) { _ = try Self.parse(text) } catch { #expect(error.offset == offset, "\(error)") }
    }

    @Test("constants are worked out, and nothing else is one")
    func constants() throws {
        for (text, value) in [("2", 2.0), ("(1+1)", 2), ("vector(4 / 2)", 2), ("-(-0.5)", 0.5), ("1/2", 0.5), ("2 * 3 - 4", 2)] {
            #expect(try Self.parse(text).constant == value, "\(text)")
        }
        for text in ["a", "2 * a", "$x", "'2'", "time()", "2 > 1", "rate(a[5m])"] { #expect(try Self.parse(text).constant == nil, "\(text)") }
    }

    @Test("queries stand one behind the other, and one that is wrong costs its line")
    func several() {
        let found = Parser.parseAll(Array("a / 2\n# no\nsum(\n  b\n) * 3\nc d\ne".utf8))
        #expect(found.queries.map(Self.shape) == ["[a / 2]", "[sum(b) * 3]", "e"])
        #expect(found.errors.map(\.offset) == [28])
    }

    @Test("trees have a height, queries a length")
    func limits() throws {
        func refusal(_ text: String) -> String {
            do throws(PromQLError) { _ = try Self.parse(text) } catch { return error.description }
            return ""
        }
        func nested(_ depth: Int) -> String { String(repeating: "(", count: depth) + "a" + String(repeating: ")", count: depth) }
        #expect(refusal(nested(Parser.maxDepth - 1)) == "")
        #expect(refusal(nested(Parser.maxDepth)).contains("nested deeper"))
        #expect(refusal(String(repeating: "-", count: 30_000) + "a").contains("nested deeper"))
        #expect(refusal("a" + String(repeating: "+a", count: Parser.maxOperators)) == "")
        #expect(refusal("a" + String(repeating: "+a", count: Parser.maxOperators + 1)).contains("operators"))
        #expect(refusal(String(repeating: " ", count: Parser.maxBytes) + "a").contains("longer"))
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirKit
import WeirTesting
import YAMLSource

/// Parses `text` as the file `f.yaml`; every problem as `kind line:column message`.
func read(_ text: String) -> (node: ConfigNode?, problems: [String]) { read(bytes: Array(text.utf8)) }

func read(bytes: [UInt8]) -> (node: ConfigNode?, problems: [String]) {
    let problems = ConfigProblems()
    let node = YAMLSource.parse(bytes, file: "f.yaml", problems: problems)
    return (node, problems.all.map { "\($0.kind) \($0.position.line):\($0.position.column) \($0.message)" })
}

/// A tree without its positions, in one line.
func plain(_ node: ConfigNode?) -> String {
    switch node?.content {
    case nil: "nothing"
    case .scalar(let text): "'\(text)'"
    case .list(let items): "[" + items.map(plain).joined(separator: ", ") + "]"
    case .mapping(let entries): "{" + entries.map { "\($0.key.text ?? "?"): \(plain($0.value))" }.joined(separator: ", ") + "}"
    }
}

@Suite("A YAML file becomes a tree that knows where it stood")
struct TreeTests {
    @Test("mappings, lists and scalars of every style are read")
    func shapes() {
        let found = read(
            """
            capture: { source: auto, window: 5s }
            enrich:
              - local_owner
              - plugin: "cidr"
                note: |
                  two
                  lines
            'quoted': 'it''s'
            """)
        #expect(found.problems == [])
        #expect(
            plain(found.node)
                == "{capture: {source: 'auto', window: '5s'}, enrich: ['local_owner', {plugin: 'cidr', note: 'two\nlines\n'}], quoted: 'it's'}")
    }

    @Test("nothing, a comment, and a bare document start are an empty mapping", arguments: ["", "# nothing\n", "---\n", "--- ~\n", "\u{FEFF}"])
    func empty(text: String) {
        let found = read(text)
        #expect(found.problems == [])
        #expect(plain(found.node) == "{}" || text.contains("~"))
    }

    @Test("an empty value, ~ and null are the empty scalar; quoted they are texts; keys are taken as written")
    func nulls() {
        let found = read("a:\nb: ~\nc: null\nd: '~'\nnull: x\n")
        #expect(plain(found.node) == "{a: '', b: '', c: '', d: '~', null: 'x'}")
    }

    @Test("positions count lines and characters from 1, whatever the characters' bytes")
    func positions() throws {
        let found = read("# é\nü: { ö: [ä, β] }\n")
        guard case .mapping(let outer) = found.node?.content, case .mapping(let inner) = outer[0].value.content,
            case .list(let items) = inner[0].value.content
        else { throw Wrong() }
        #expect(outer[0].key.position.description == "f.yaml:2:1")
        #expect(inner[0].key.position.description == "f.yaml:2:6")
        #expect(items.map(\.position.column) == [10, 13])
    }

    struct Wrong: Error {}
}

@Suite("What is wrong with a YAML file is said with its place")
struct ProblemTests {
    @Test(
        "each slip has its sentence",
        arguments: [
            ("a: b: c\n", "syntax 1:5 no ':' is expected here: is the line above indented right, or does a value with ': ' lack its quotes?"),
            ("a:\n\tb: 1\n", "syntax 2:1 a tab cannot indent YAML: use spaces"),
            ("a: @b\n", "syntax 1:4 a value cannot begin with '@': put it in quotes"),
            ("a: [1, 2\nb: 3\n", "syntax 2:2 expected ',' or ']': the list that opens at line 1, column 4 is not closed"),
            ("a: { b: 1\n", "syntax 2:1 expected ',' or '}': the mapping that opens at line 1, column 4 is not closed"),
            ("a: 'open\n", "syntax 1:4 the quote that opens here is not closed"),
            ("a: 1\n b: 2\n", "syntax 2:3 no ':' is expected here: is the line above indented right, or does a value with ': ' lack its quotes?"),
            ("a:\n  - 1\n  b: 2\n", "syntax 3:3 expected '-', the next item of the list that begins at line 2, column 3: is the indentation right?"),
            ("a: \"\\q\"\n", "syntax 1:5 unknown escape in a text in double quotes: write \\\\ for a backslash, or use single quotes"),
            ("a: 1\u{1}\n", "syntax 1:5 a control character is not allowed in YAML"),
            ("a: { b: ::/0 }\n", "syntax 1:9 expected a value here; one that begins with ':', as ::/0 does, needs quotes"),
            ("a: { b: 2001:db8::/32, c: 2001:db8::, d: ::1 }\n", "syntax 1:36 a value that ends in ':' needs quotes here"),
            ("a: &x 1\n", "notPlainYAML 1:4 an anchor (&) is not used here: write the value out"),
            ("a: 1\nb: *x\n", "notPlainYAML 2:4 an alias (*) is not used here: write the value out"),
            ("a: !!str 1\n", "notPlainYAML 1:4 a tag (!) is not used here: write the value out"),
            ("<<: { a: 1 }\n", "notPlainYAML 1:1 a merge key (<<) is not used here: write the value out"),
            ("[a]: 1\n", "notPlainYAML 1:1 a list or mapping as a key is not used here: write the value out"),
            ("a: 1\n---\nb: 2\n", "notPlainYAML 2:1 a second document is not used here: write the value out"),
            ("%YAML 1.1\n---\na: 1\n", "notPlainYAML 1:1 a line that begins with % is not used here: write the value out"),
            ("a: 1\nb: 2\na: 3\n", "duplicateKey 3:1 'a' stands here twice; the first is on line 1, column 1"),
        ])
    func slips(text: String, expected: String) {
        let found = read(text)
        #expect(found.problems == [expected])
        #expect((found.node == nil) != expected.hasPrefix("duplicateKey"))
    }

    @Test("a key that stands twice keeps its first value, and each further one is told")
    func duplicates() {
        let found = read("a: 1\nb: { c: 1, c: 2 }\na: 3\na: 4\n")
        #expect(plain(found.node) == "{a: '1', b: {c: '1'}}")
        #expect(found.problems.count == 3)
    }

    @Test("a line ends at a newline and nowhere else, and no place lies behind the file's end", arguments: ["\r", "\u{85}", "\u{2028}", "\u{2029}"])
    func lines(lineBreak: String) {
        #expect(read("a: b\(lineBreak)c: &d e\n").problems.map { $0.prefix(18) } == ["notPlainYAML 1:9 a"])
        #expect(read("a: b\(lineBreak)c: d\ne: \u{7}").problems.map { $0.prefix(10) } == ["syntax 2:4"])
        #expect(read("a: b\nc: [d").problems.map { $0.prefix(11) } == ["syntax 2:6 "])
    }

    @Test("a byte that is no UTF-8 has its line and column")
    func notUTF8() {
        #expect(read(bytes: Array("a: ü\nb: ".utf8) + [0xFF, 0x0A]).problems == ["notUTF8 2:4 the file is not UTF-8 text from here on"])
        #expect(read(bytes: [0xFF, 0xFE, 0x61, 0x00]).problems == ["notUTF8 1:1 the file is not UTF-8 text from here on"])
    }

    @Test("64 levels are read, one more is refused where it opens")
    func depth() {
        let good = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(read(good).problems == [])
        #expect(read("[" + good + "]").problems == ["tooDeep 1:65 more than 64 levels of lists and mappings"])
        #expect(read(String(repeating: "- ", count: 400_000)).problems == ["tooDeep 1:129 more than 64 levels of lists and mappings"])
        #expect(read(String(repeating: "{a: ", count: 200_000)).problems == ["tooDeep 1:257 more than 64 levels of lists and mappings"])
        #expect(read(String(repeating: "[", count: 1_000_000)).problems == ["tooDeep 1:65 more than 64 levels of lists and mappings"])
    }

    @Test("10 MB are refused at once")
    func size() {
        let found = read(bytes: [UInt8](repeating: UInt8(ascii: "a"), count: 10_000_000))
        #expect(found.problems == ["tooLarge 1:1 the file has 10000000 bytes; at most 1MiB are read"])
    }

    @Test("the largest file, of many keys or of one long line, takes less than a few seconds")
    func largest() {
        let clock = ContinuousClock()
        let keys = (0..<90_000).map { "key\($0): v\n" }.joined().prefix(YAMLSource.maxBytes)
        let line = "a: [" + String(repeating: "x, ", count: 349_000) + "x]"
        let quotes = String(repeating: "\"a\":", count: 200_000)
        let twins = String(repeating: "a: 1\n", count: 200_000)
        for text in [String(keys), line, quotes, twins] {
            let took = clock.measure { _ = read(text) }
            #expect(took < .seconds(5), "\(text.prefix(10))… took \(took)")
        }
    }

    @Test("random bytes and random YAML marks never crash the reader, and always end in a tree or one problem")
    func garbage() {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        let marks = Array("{}[]:,-?&*!|>'\"%@`#~\n \tab\\u0é".utf8)
        for _ in 0..<5000 {
            let length = Int.random(in: 0..<80, using: &random)
            let bytes: [UInt8] =
                Bool.random(using: &random)
                ? (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                : (0..<length).map { _ in marks.randomElement(using: &random) ?? 0 }
            let found = read(bytes: bytes)
            #expect(found.node != nil || found.problems.count >= 1, "seed \(seed): \(bytes)")
        }
    }
}

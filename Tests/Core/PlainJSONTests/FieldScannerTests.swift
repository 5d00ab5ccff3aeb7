// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FakeKubernetes
internal import PlainJSON
internal import Testing
internal import WeirTesting

@Suite struct FieldScannerTests {
    /// `a`, `b.c`, every `d[].e`, the end of every `d[]`, every `f[]`.
    private static func tree() -> FieldTree {
        var tree = FieldTree()
        tree.want(["a"], as: 1)
        tree.want(["b", "c"], as: 2)
        tree.want(["d", .each, "e"], as: 3)
        tree.wantEnd(of: ["d", .each], as: 4)
        tree.want(["f", .each], as: 5)
        return tree
    }

    /// The tokens of `text` cut into pieces of `size` bytes, each as a word: `1=x`, `end 4`.
    private static func tokens(_ bytes: [UInt8], size: Int, maxTextBytes: Int = 100) throws -> [String] {
        var scanner = FieldScanner(tree(), maxTextBytes: maxTextBytes)
        var found: [String] = []
        var start = 0
        while start < bytes.count {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            start += size
            var offset = 0
            while let token = try scanner.next(piece, &offset) {
                switch token {
                case .text(let field): found.append("\(field)=\(String(decoding: scanner.text, as: UTF8.self))")
                case .tooLong(let field): found.append("\(field) too long")
                case .end(let field): found.append("end \(field)")
                case .unexpected(let depth): found.append("unexpected \(depth)")
                case .document: found.append("document")
                }
            }
        }
        return found
    }

    @Test("wanted values come out, whatever stands around them and wherever the pieces end")
    func values() throws {
        let text = #"""
            {"x":{"a":1,"y":["{",{"b":"]\""}]},"a":"one","b":{"z":null,"c":-1.5e3,"c2":[[]]},
             "d":[{"e":true,"q":[1,2]},{},{"q":"\\","e":"\u00e9\ud83d\ude00\/\n"}],"f":["p","q"]} {"a":null} []
            """#
        let wanted = [
            "1=one", "2=-1.5e3", "3=true", "end 4", "end 4", "3=é😀/\n", "end 4", "5=p", "5=q", "document", "document", "unexpected 0", "document",
        ]
        for size in 1...text.utf8.count { #expect(try Self.tokens(Array(text.utf8), size: size) == wanted, "pieces of \(size)") }
    }

    @Test("a value of another kind is said and skipped")
    func unexpected() throws {
        let text = #"{"a":{"a":[1]},"b":[{"c":1}],"d":"x","f":[1,[2],{"f":3}]}"#
        let wanted = ["unexpected 1", "unexpected 1", "unexpected 1", "5=1", "unexpected 2", "unexpected 2", "document"]
        #expect(try Self.tokens(Array(text.utf8), size: 3) == wanted)
    }

    @Test("a text longer than the limit is said and not kept; a key so long is nobody's")
    func tooLong() throws {
        let long = String(repeating: "é", count: 60)
        #expect(
            try Self.tokens(Array("{\"a\":\"\(long)\",\"\(long)\":1,\"f\":[\"\(long.prefix(50))\"]}".utf8), size: 7) == [
                "1 too long", "5=\(long.prefix(50))", "document",
            ])
    }

    @Test("half a surrogate pair becomes the replacement character")
    func surrogates() throws {
        #expect(
            try Self.tokens(Array(#"{"a":"\ud83dx","f":["\ude00","\ud83d\ud83d\ude00","\ud83d"]}"#.utf8), size: 2) == [
                "1=\u{FFFD}x", "5=\u{FFFD}", "5=\u{FFFD}😀", "5=\u{FFFD}", "document",
            ])
    }

    @Test(
        "what is no JSON is a problem at its byte",
        arguments: [
            (#"{"a" 1}"#, "expected ':' behind the key", 5), (#"{"a":1,}"#, "expected a key in double quotes", 7),
            (#"{"f":[1,]}"#, "expected a value", 8),
            (#"{"a":1]"#, "expected ',' or '}'", 6), (#"{"x":[}]}"#, "brackets that do not match", 6), (#"{"a":tru}"#, "a word that is no value", 8),
            (#"{"a":"\q"}"#, "unknown escape in a text", 7), (#"{"a":"\u00g0"}"#, "expected four hexadecimal digits behind \\u", 10),
            ("{\"a\":\"\n\"}", "a control character in a text must be escaped", 6), ("hello", "expected a value", 0),
            (#"{"x":1"2"}"#, "expected the end of a value", 6),
        ])
    func problems(text: String, message: String, offset: Int) {
        for size in [1, 2, 100] {
            #expect(throws: FieldScanner.Problem(message: message, offset: offset)) { try Self.tokens(Array(text.utf8), size: size) }
        }
    }

    @Test("a million brackets within each other take no memory and no stack")
    func depth() throws {
        let open = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        let close = [UInt8](repeating: UInt8(ascii: "]"), count: 1_000_000)
        let text = Array("{\"x\":".utf8) + open + close + Array(",\"a\":\"y\"}".utf8)
        #expect(try Self.tokens(text, size: 65_536) == ["1=y", "document"])
    }

    @Test("law: what a tree of random values holds at the wanted paths is what comes out, in pieces of any size")
    func law() throws {
        let seed = SplitMix64.freshSeed
        var random = SplitMix64(seed: seed)
        for round in 0..<300 {
            let tree = RandomJSON.object(&random, level: 0)
            let bytes = RandomJSON.written(tree, &random)
            let wanted = RandomJSON.tokens(tree) + ["document"]
            for size in [1, 1 + random.below(20), bytes.count + 1] {
                #expect(
                    try Self.tokens(bytes, size: size, maxTextBytes: 1000) == wanted,
                    "seed \(seed), round \(round), pieces of \(size): \(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }
}

/// Random documents in which the names of the wanted paths are common.
private enum RandomJSON {
    static func object(_ random: inout SplitMix64, level: Int) -> JSONTree {
        let names = ["a", "b", "c", "d", "e", "f", "x", "", "é\"\\"].shuffled(using: &random).prefix(random.below(8))
        return .object(names.map { name in JSONTree.Member(name: name, value: value(&random, level: level + 1)) })
    }

    static func value(_ random: inout SplitMix64, level: Int) -> JSONTree {
        switch random.below(level > 5 ? 5 : 9) {
        case 0: return .null
        case 1: return .bool(random.below(2) == 0)
        case 2: return .number("\(Int(truncatingIfNeeded: random.next()))")
        case 3, 4: return .text(String((0..<random.below(12)).map { _ in "ab{}[]\",:\\é😀\u{1}\n \u{2028}".randomElement(using: &random) ?? "x" }))
        case 5, 6: return .list((0..<random.below(4)).map { _ in value(&random, level: level + 1) })
        default: return object(&random, level: level)
        }
    }

    /// With blanks wherever they may stand.
    static func written(_ tree: JSONTree, _ random: inout SplitMix64) -> [UInt8] {
        var bytes: [UInt8] = []
        var isText = false
        var isEscaped = false
        for byte in tree.bytes {
            if !isText, !("0"..."9").contains(Character(Unicode.Scalar(byte))), !"-truefalsn".utf8.contains(byte), random.below(4) == 0 {
                bytes += [[0x20], [0x0A], [0x0D, 0x0A], [0x09]][random.below(4)] as [UInt8]
            }
            bytes.append(byte)
            if byte == UInt8(ascii: "\""), !isEscaped { isText.toggle() }
            isEscaped = isText && byte == UInt8(ascii: "\\") && !isEscaped
        }
        return bytes
    }

    /// What a scanner is to say, by walking the tree.
    static func tokens(_ tree: JSONTree) -> [String] {
        tree.members.flatMap { member -> [String] in
            switch member.name {
            case "a": scalar(member.value, 1, depth: 1)
            case "b": container(member.value, isObject: true) { $0.members.filter { $0.name == "c" }.flatMap { scalar($0.value, 2, depth: 2) } }
            case "d":
                container(member.value, isObject: false) { list in
                    list.items.flatMap { item -> [String] in
                        guard case .object = item else { return item == .null ? [] : ["unexpected 2"] }
                        return item.members.filter { $0.name == "e" }.flatMap { scalar($0.value, 3, depth: 3) } + ["end 4"]
                    }
                }
            case "f": container(member.value, isObject: false) { $0.items.flatMap { scalar($0, 5, depth: 2) } }
            default: []
            }
        }
    }

    private static func container(_ value: JSONTree, isObject: Bool, _ inside: (JSONTree) -> [String]) -> [String] {
        switch value {
        case .null: []
        case .object: isObject ? inside(value) : ["unexpected 1"]
        case .list: isObject ? ["unexpected 1"] : inside(value)
        default: ["unexpected 1"]
        }
    }

    private static func scalar(_ value: JSONTree, _ field: Int, depth: Int) -> [String] {
        switch value {
        case .null: []
        case .text(let text): ["\(field)=\(text)"]
        case .number(let number): ["\(field)=\(number)"]
        case .bool(let bool): ["\(field)=\(bool)"]
        default: ["unexpected \(depth)"]
        }
    }
}

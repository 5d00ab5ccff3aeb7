// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CIDREnricher
import Testing
import WeirKit

@Suite("cidr: what users write")
struct OptionsTests {
    @Test("the sample decodes to exactly the defaults")
    func sample() {
        let found = options(CIDRPlugin.sample)
        #expect(found.problems == [])
        #expect(found.options == CIDROptions())
    }

    @Test("refresh has limits")
    func refresh() {
        #expect(options("refresh: 1m").options.refresh == .seconds(60))
        #expect(options("refresh: 10ms").problems == ["outOfRange weir.yaml:1:10: refresh is from 1s to 24h"])
    }

    @Test(
        "a bad row is told at its line and column",
        arguments: [
            (
                "tables: [{ cidr: 10.0.0.0/33 }]",
                "badTable weir.yaml:1:18: '10.0.0.0/33' is not an address or a range such as 10.0.0.0/8 whose host bits are zero"
            ),
            ("tables: [{ cidr: 10.0.0.7/20 }]", "badTable weir.yaml:1:18: '10.0.0.7/20' has bits set behind its prefix; did you mean '10.0.0.0/20'?"),
            (
                "tables:\n  - { cidr: 10.0.0.0/8 }\n  - { cidr: 10.0.0.0/8 }",
                "badTable weir.yaml:3:13: 10.0.0.0/8 stands twice; the first is at weir.yaml:2:13"
            ),
            ("tables: [{ zone: a }]", "badTable weir.yaml:1:10: the row has no 'cidr'"),
            ("tables: [10.0.0.0/8]", "wrongShape weir.yaml:1:10: expected a row such as { cidr: 10.0.0.0/20, zone: eu-west-1a }, found a value"),
            ("tables: [{ cidr: 10.0.0.0/8, zone: [a] }]", "wrongShape weir.yaml:1:36: expected a text, found a list"),
            (
                "tables: [{ cidr: 10.0.0.0/8, src.zone: a }]",
                "badTable weir.yaml:1:30: a table describes one end, whichever it is: write 'zone' instead of 'src.zone'"
            ),
            (
                "tables: [{ cidr: 10.0.0.0/8, k8s.dst.namespace: a }]",
                "badTable weir.yaml:1:30: a table describes one end, whichever it is: write 'k8s.namespace' instead of 'k8s.dst.namespace'"
            ),
            (
                "tables: [{ cidr: 10.0.0.0/8, scope: inter_zone }]",
                "badTable weir.yaml:1:37: 'inter_zone' is not one of private, cloud_service, which is what a table may say of 'scope'"
            ),
            (
                "tables: [{ cidr: 10.0.0.0/8, traffic.scope: private }]",
                "badTable weir.yaml:1:30: 'traffic.scope' is decided for both ends; a table claims it for one with 'scope'"
            ),
            (
                "tables: [{ cidr: 10.0.0.0/8, traffic_scope: private }]",
                "badTable weir.yaml:1:30: 'traffic_scope' is decided for both ends; a table claims it for one with 'scope'"
            ),
            (
                "tables: [{ cidr: 10.0.0.0/8, src_zone: a }]",
                "badTable weir.yaml:1:30: a table describes one end, whichever it is: write 'zone' instead of 'src_zone'"
            ),
            (
                "tables: [{ cidr: 10.0.0.0/8, port: 80 }]",
                "badTable weir.yaml:1:30: 'port' would be 'src.port' to metrics and filters, which is Weir's own: a table cannot fill it"
            ),
            (
                "tables: [{ cidr: 10.0.0.0/8, owner_name: a, owner.name: b }]",
                "badTable weir.yaml:1:45: 'owner.name' stands here twice; '_' and '.' make no difference in a name"
            ),
            (
                "tables: [{ cidr: 10.0.0.0/8, cost_center: a }, { cidr: 11.0.0.0/8, cost.center: b }]",
                "badTable weir.yaml:1:68: 'cost.center' is 'cost_center' to metrics and filters, where '_' and '.' are one: write it one way"
            ),
            ("tables: [{ cidr: 10.0.0.0/8, network_type: x }]", "badTable weir.yaml:1:30: 'network_type' is Weir's own: a table cannot fill it"),
            ("tables: [{ cidr: 10.0.0.0/8, address: x }]", "badTable weir.yaml:1:30: 'address' is Weir's own: a table cannot fill it"),
            (
                "tables: [{ cidr: 10.0.0.0/8, Zone: x }]",
                "badTable weir.yaml:1:30: 'Zone' is no attribute name: small letters, digits, '_' and '.', a letter first, at most 64"
            ),
            ("tables: [{ cidr: 10.0.0.0/8, zone: \"a\\nb\" }]", "badTable weir.yaml:1:36: a value holds no control characters"),
            ("table: []", "unknownKey weir.yaml:1:1: unknown key 'table'; did you mean 'tables'?"),
        ])
    func badRows(yaml: String, expected: String) { #expect(options(yaml).problems == [expected]) }

    @Test("a value of 257 bytes is refused")
    func longValue() {
        #expect(
            options("tables: [{ cidr: '::/0', team: \(String(repeating: "x", count: 257)) }]").problems == [
                "badTable weir.yaml:1:32: a value has at most 256 bytes, this one 257"
            ])
    }

    @Test("a table of nothing but mistakes tells the first twenty")
    func manyMistakes() {
        let found = options("tables:\n" + (0..<100).map { "  - { cidr: bad\($0) }\n" }.joined())
        #expect(found.problems.count == 20)
        #expect(found.problems.last?.hasSuffix("(problems behind this one are not shown)") == true)
    }
}

@Suite("cidr: table files")
struct TableFileTests {
    private func problems(_ name: String, _ text: String) -> [String] {
        let shelf = Shelf()
        shelf[name] = text
        return options("file: \(name)", shelf).problems
    }

    @Test(
        "CSV: quotes, blanks, line ends, a byte order mark, empty cells and empty lines",
        arguments: [
            "cidr,zone,team\n10.0.0.0/24,a,pay\n", "\u{FEFF}cidr, zone ,team\r\n\r\n10.0.0.0/24 , a, pay",
            "team,cidr,zone\n\"pay\",\"10.0.0.0/24\",\"a\"\n",
        ])
    func goodCSV(text: String) {
        let shelf = Shelf()
        shelf["t.csv"] = text
        let found = options("file: t.csv", shelf)
        #expect(found.problems == [])
        let enricher = CIDREnricher(found.options, context())
        #expect(answers(enricher, "10.0.0.9") == ["zone=a", "cidr=10.0.0.0/24", "team=pay"])
    }

    @Test("CSV: a quoted cell may hold commas and quotes; an empty one says nothing")
    func quotedCells() {
        let shelf = Shelf()
        shelf["t.csv"] = "cidr,team,zone\n10.0.0.0/24,\"a, \"\"b\"\"\",\n"
        let enricher = CIDREnricher(options("file: [t.csv]", shelf).options, context())
        #expect(answers(enricher, "10.0.0.9") == ["cidr=10.0.0.0/24", "team=a, \"b\""])
    }

    @Test(
        "CSV: mistakes have the place in the file",
        arguments: [
            ("", "badTable t.csv:1:1: the file is empty: its first line names the columns, such as cidr,zone,team"),
            ("zone,team\n", "badTable t.csv:1:1: the first line names the columns, and none of them is 'cidr'"),
            ("cidr,zone,zone\n", "badTable t.csv:1:11: the column 'zone' stands here twice; '_' and '.' make no difference in a name"),
            ("cidr,my.team,my_team\n", "badTable t.csv:1:14: the column 'my_team' stands here twice; '_' and '.' make no difference in a name"),
            ("cidr,zone.id,zone_id\n", "badTable t.csv:1:14: the column 'zone_id' stands here twice; '_' and '.' make no difference in a name"),
            ("cidr,src.zone\n", "badTable t.csv:1:6: a table describes one end, whichever it is: write 'zone' instead of 'src.zone'"),
            ("cidr;zone\n", "badTable t.csv:1:1: 'cidr;zone' is no attribute name: small letters, digits, '_' and '.', a letter first, at most 64"),
            ("cidr,zone\n10.0.0.0/24\n", "badTable t.csv:2:1: the row has 1 cells where the first line names 2 columns"),
            ("zone,cidr\nü,10.0.0.1/24\n", "badTable t.csv:2:3: '10.0.0.1/24' has bits set behind its prefix; did you mean '10.0.0.0/24'?"),
            ("zone,cidr\n\nü,nonsense\n", "badTable t.csv:3:3: 'nonsense' is not an address or a range such as 10.0.0.0/8 whose host bits are zero"),
            ("cidr\n10.0.0.0/8\n10.0.0.0/8\n", "badTable t.csv:3:1: 10.0.0.0/8 stands twice; the first is at t.csv:2:1"),
            ("cidr,zone\n10.0.0.0/8,\"a\n", "badTable t.csv:2:12: the quote that opens here is not closed"),
        ])
    func badCSV(text: String, expected: String) { #expect(problems("t.csv", text) == [expected]) }

    @Test("JSON: a list of objects; numbers and booleans are texts, null says nothing, escapes are read")
    func goodJSON() {
        let shelf = Shelf()
        shelf["t.json"] = #" [ {"cidr":"10.0.0.0/24","zone":"\u00e4\ud83d\ude00\/","team":7,"region":null} , {"cidr":"::/0","team":true} ] "#
        let found = options("file: t.json", shelf)
        #expect(found.problems == [])
        let enricher = CIDREnricher(found.options, context())
        #expect(answers(enricher, "10.0.0.9") == ["zone=ä😀/", "cidr=10.0.0.0/24", "team=7"])
        #expect(answers(enricher, "2001:db8::1") == ["cidr=::/0", "team=true"])
    }

    @Test(
        "JSON: mistakes have the place in the file",
        arguments: [
            ("", "badTable t.json:1:1: expected '[': a table is a list of objects"),
            ("{}", "badTable t.json:1:1: expected '[': a table is a list of objects"),
            ("[", "badTable t.json:1:2: expected '{': a row is an object such as {\"cidr\": \"10.0.0.0/20\"}"),
            ("[{\"cidr\": \"10.0.0.0/8\"}", "badTable t.json:1:24: expected ',' or ']'"),
            ("[{\"cidr\": \"10.0.0.0/8\"},]", "badTable t.json:1:25: expected '{': a row is an object such as {\"cidr\": \"10.0.0.0/20\"}"),
            ("[{\"cidr\": \"10.0.0.0/8\"}]x", "badTable t.json:1:25: expected the end of the file behind the list"),
            ("[\n {\"cidr\": 10.0.0.0/8}]", "badTable t.json:2:11: '10.0.0.0/8' is no JSON value; a text needs double quotes"),
            ("[{\"cidr\": [1]}]", "badTable t.json:1:11: expected a text, found a list"),
            ("[{cidr: 1}]", "badTable t.json:1:3: expected a key in double quotes"),
            ("[{\"cidr\" 1}]", "badTable t.json:1:10: expected ':' behind the key"),
            (
                "[{\"ü\": 1, \"cidr\": \"10.0.0.0/8\"}]",
                "badTable t.json:1:3: 'ü' is no attribute name: small letters, digits, '_' and '.', a letter first, at most 64"
            ),
            (
                "[{\"zone\": \"ü\", \"cidr\": \"10.0.0.1/8\"}]",
                "badTable t.json:1:24: '10.0.0.1/8' has bits set behind its prefix; did you mean '10.0.0.0/8'?"
            ),
            ("[{\"cidr\": \"::/0\", \"cidr\": \"::/0\"}]", "badTable t.json:1:19: 'cidr' stands here twice"),
            ("[{\"zone\": \"a\"}]", "badTable t.json:1:2: the row has no 'cidr'"),
            ("[{\"cidr\": \"\\ud83d\"}]", "badTable t.json:1:12: half a surrogate pair"),
            ("[{\"cidr\": \"\\x\"}]", "badTable t.json:1:12: unknown escape in a text"),
            ("[{\"cidr\": \"a\nb\"}]", "badTable t.json:1:13: a control character in a text must be escaped"),
            ("[{\"cidr\": \"a", "badTable t.json:1:11: the text that begins here is not closed"),
        ])
    func badJSON(text: String, expected: String) { #expect(problems("t.json", text) == [expected]) }

    @Test("a file that is not there, has another ending or no UTF-8 is told")
    func unusable() {
        #expect(options("file: gone.csv").problems == ["unreadable weir.yaml:1:7: could not open gone.csv"])
        #expect(options("file: t.txt").problems == ["badValue weir.yaml:1:7: 't.txt' ends neither in .csv nor in .json, so its format is not known"])
    }

    @Test("a range may not stand in two sources of one instance")
    func acrossSources() {
        let shelf = Shelf()
        shelf["a.csv"] = "cidr\n10.0.0.0/8\n"
        #expect(
            options("tables: [{ cidr: 10.0.0.0/8 }]\nfile: a.csv", shelf).problems == [
                "badTable a.csv:2:1: 10.0.0.0/8 stands twice; the first is at weir.yaml:1:18"
            ])
    }

    @Test("garbage never crashes the readers")
    func garbage() {
        let marks = Array("[]{}\",:\\u0d8\n\r 10./cidrzone;é")
        for name in ["t.csv", "t.json"] {
            for _ in 0..<3000 {
                let text = String((0..<Int.random(in: 0..<60)).map { _ in marks.randomElement() ?? " " })
                for problem in problems(name, text) { #expect(problem.contains(" \(name):"), "\(text)") }
            }
        }
    }
}

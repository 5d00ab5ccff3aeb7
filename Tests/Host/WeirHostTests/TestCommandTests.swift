// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Testing

@Suite("weir test: cases beside the configuration")
struct TestCommandTests {
    private static let head = """
        enrich:
          - plugin: cidr
            tables: [{ cidr: 10.0.0.0/24, zone: eu-1a }, { cidr: 10.0.1.0/24, zone: eu-1b }]
        metrics: { network.flow.bytes: [src.zone, dst.zone] }
        export: [prometheus, json_lines]

        """
    private static let flows = "flows: [{ src: 10.0.0.4, dst: 10.0.1.4, bytes: 100 }, { src: 10.0.0.5, dst: 192.0.2.7, bytes: 10 }]"

    private func inFolder<R>(_ files: [String: String], _ body: (URL) throws -> R) throws -> R {
        try Fixtures.inFolder { folder in
            for (name, text) in files {
                let file = folder.appendingPathComponent(name)
                try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: file, atomically: true, encoding: .utf8)
            }
            return try body(folder)
        }
    }

    private func test(_ files: [String: String], _ options: String...) throws -> Fixtures.Outcome {
        try inFolder(files) { folder in
            let found = try Fixtures.weir(["test", "--config", folder.path] + options)
            func plain(_ text: String) -> String { text.replacingOccurrences(of: folder.path + "/", with: "") }
            return Fixtures.Outcome(status: found.status, output: plain(found.output), errors: plain(found.errors))
        }
    }

    private func expecting(_ expectation: String) throws -> Fixtures.Outcome {
        try test(["weir.yaml": Self.head + "tests: [{ name: one, \(Self.flows), expect: { \(expectation) } }]\n"])
    }

    @Test(
        "what holds passes",
        arguments: [
            "series: { network.flow.bytes: [{ src.zone: eu-1a, dst.zone: eu-1b, value: 100 }, { dst_zone: '', value: 10 }] }",
            "series: { network_flow_bytes: [{ value: 110 }] }", "series: { network.flow.bytes: [{ dst.zone: '', value: 10 }] }, partial: true",
            "scopes: { inter_zone: 100, internet: 10 }", "scopes: { internet: 10 }, partial: true", "not_exported: { covered: 0 }",
            "records: [{ bytes: 10 }, { bytes: 100, src.address: 10.0.0.4 }]", "records: [{}, { bytes: 100 }]", "records: [], partial: true",
        ])
    func passes(_ expectation: String) throws {
        let outcome = try expecting(expectation)
        #expect(outcome.status == 0 && outcome.output == "ok    one\n1 case: 1 passed, 0 failed\n", "\(outcome)")
    }

    @Test("flows that add up to more than is counted are refused at their place")
    func tooMuch() throws {
        let flow = "{ src: 10.0.0.4, dst: 10.0.1.4, bytes: 9007199254740991 }"
        let flows = [String](repeating: flow, count: 1025).joined(separator: ", ")
        let outcome = try test(["weir.yaml": Self.head + "tests: [{ name: one, flows: [\(flows)], expect: { scopes: {} } }]\n"])
        #expect(outcome.status == 1 && outcome.errors.contains("add up to 2^63 or more"), "\(outcome)")
    }

    @Test(
        "what does not hold fails, with what was expected and what came",
        arguments: [
            ("series: { network.flow.bytes: [] }", ["+ {src.zone: eu-1a} 10", "+ {src.zone: eu-1a, dst.zone: eu-1b} 100"]),
            ("series: { network.flow.bytes: [{ value: 111 }] }", ["- {} 111", "+ {} 110"]),
            (
                "series: { network.flow.bytes: [{ dst.zone: eu-1c, value: 1 }, { dst.zone: '', value: 10 }] }",
                ["- {dst.zone: eu-1c} 1", "+ {src.zone: eu-1a, dst.zone: eu-1b} 100"]
            ),
            (
                "series: { network.flow.bytes: [{ value: 110 }, { dst.zone: '', value: 10 }] }",
                ["! {src.zone: eu-1a} 10 belongs to 2 of the expected rows: say more in each"]
            ),
            ("scopes: { inter_zone: 1, internet: 10 }", ["- inter_zone 1", "+ inter_zone 100"]), ("scopes: { inter_zone: 100 }", ["+ internet 10"]),
            ("not_exported: { filtered: 5 }", ["- filtered 5", "+ filtered 0"]), ("records: [{}, {}, {}]", ["- {}"]),
            ("records: [{ dst.port: 9 }], partial: true", ["- {dst.port: 9}"]), ("records: [{ bytes: 10 }]", ["bytes: 100, "]),
        ])
    func fails(_ expectation: String, _ lines: [String]) throws {
        let outcome = try expecting(expectation)
        #expect(outcome.status == 1)
        #expect(outcome.output.hasPrefix("FAIL  one  (weir.yaml:") && outcome.output.hasSuffix("1 case: 0 passed, 1 failed\n"), "\(outcome)")
        for line in lines { #expect(outcome.output.contains(line), "\(outcome.output)") }
    }

    @Test("--record writes a folder's files, which then hold; a change of the tables breaks them, with both lines shown")
    func record() throws {
        let line = #"{"src.address":"10.0.0.4","dst.address":"10.0.1.4","bytes":100}"#
        try inFolder(["weir.yaml": Self.head, "tests/two-zones/in.jsonl": line]) { folder in
            let options = ["test", "--config", folder.path]
            let before = try Fixtures.weir(options)
            #expect(before.status == 1 && before.errors.contains("the case expects nothing"), "\(before)")
            #expect(try Fixtures.weir(options + ["--record"]).status == 0)
            let page = Fixtures.text(folder.appendingPathComponent("tests/two-zones/out.prom"))
            #expect(page.contains("weir_network_flow_bytes_total{src_zone=\"eu-1a\",dst_zone=\"eu-1b\"} 100\n"), "\(page)")
            #expect(Fixtures.text(folder.appendingPathComponent("tests/two-zones/out.jsonl")).hasSuffix("\"bytes\":100,\"packets\":1}\n"))
            #expect(try Fixtures.weir(options).output == "ok    two-zones\n1 case: 1 passed, 0 failed\n")

            let changed = Self.head.replacingOccurrences(of: "zone: eu-1b", with: "zone: eu-1z")
            try changed.write(to: folder.appendingPathComponent("weir.yaml"), atomically: true, encoding: .utf8)
            let after = try Fixtures.weir(options)
            #expect(after.status == 1)
            #expect(after.output.contains("- 3: weir_network_flow_bytes_total{src_zone=\"eu-1a\",dst_zone=\"eu-1b\"} 100"), "\(after.output)")
            #expect(after.output.contains("+ 3: weir_network_flow_bytes_total{src_zone=\"eu-1a\",dst_zone=\"eu-1z\"} 100"), "\(after.output)")
        }
    }

    @Test("answers.yaml and case.yaml stand beside the input; packets are an input too")
    func folder() throws {
        let files = [
            "weir.yaml": Self.head, "tests/a/in.jsonl": #"{"src.address":"10.9.0.4","dst.address":"10.0.1.4","bytes":100}"#,
            "tests/a/answers.yaml": "10.9.0.0/16: { zone: mars }\n",
            "tests/a/case.yaml": "expect: { series: { network.flow.bytes: [{ src.zone: mars, value: 100 }] } }\n",
        ]
        #expect(try test(files).status == 0)
        try inFolder(["weir.yaml": Self.head, "tests/p/case.yaml": "expect: { scopes: { unknown: 1, multicast: 1 } }\n"]) { folder in
            let capture = Fixtures.repository.appendingPathComponent("Tests/Core/PacketReplayTests/Captures/any-sll.pcap")
            try FileManager.default.copyItem(at: capture, to: folder.appendingPathComponent("tests/p/in.pcap"))
            let outcome = try Fixtures.weir("test", "--config", folder.path)
            #expect(outcome.status == 1 && outcome.output.contains("+ unknown 644"), "\(outcome)")
        }
    }

    @Test(
        "a folder that is no case is told, and nothing runs",
        arguments: [
            (["tests/a/in.json": ""], "tests/a/in.json: no file of a case; did you mean 'in.jsonl'?"),
            (["tests/a/README": ""], "tests/a: nothing comes in"),
            (["tests/a/in.jsonl": "", "tests/a/in.pcap": ""], "tests/a: two inputs, in.jsonl and in.pcap"),
            (["tests/a/case.yaml": "expcet: {}"], "tests/a/case.yaml:1:1: error: unknown key 'expcet'; did you mean 'expect'?"),
            (
                ["tests/a/in.jsonl": "", "tests/a/answers.yaml": "10.0.0.4: { zoen: x }"],
                "tests/a/answers.yaml:1:13: error: no stage answers 'zoen'; did you mean 'zone'?"
            ),
            (["tests/a/config.yaml": "enrihc: []"], "tests/a/config.yaml:1:1: error: unknown key 'enrihc'"),
            ([:], "no cases: write some under 'tests:'"),
        ])
    func noCase(_ files: [String: String], _ message: String) throws {
        let outcome = try test(files.merging(["weir.yaml": Self.head]) { $1 })
        #expect(outcome.status == 1 && outcome.output == "")
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }

    @Test("a line of the input that cannot be read fails the case with its place")
    func badInput() throws {
        let outcome = try test(["weir.yaml": Self.head, "tests/a/in.jsonl": "{\n", "tests/a/out.prom": ""])
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("tests/a/in.jsonl:1:2: error: expected a key in double quotes"), "\(outcome)")
    }

    @Test("cases are chosen by name; a name that none has is an error")
    func names() throws {
        let cases = ["pay out", "pay in", "other"].map { "{ name: \($0), \(Self.flows), expect: { scopes: { inter_zone: 100, internet: 10 } } }" }
        let files = ["weir.yaml": Self.head + "tests: [\(cases.joined(separator: ", "))]\n"]
        #expect(try test(files, "pay *").output == "ok    pay out\nok    pay in\n2 cases: 2 passed, 0 failed\n")
        #expect(try test(files, "othr").errors == "no case is called 'othr'; did you mean 'other'?\n")
        #expect(try test(files, "othr").status == 1)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Testing

@Suite("weir replay: a file through the configuration")
struct ReplayTests {
    private static let tables = """
        enrich:
          - local_owner
          - plugin: cidr
            tables:
              - { cidr: 10.0.0.0/20, zone: eu-west-1a, team: payments }
              - { cidr: 10.0.16.0/20, zone: eu-west-1b }
        export:
          - prometheus
          - { plugin: json_lines, path: /nowhere/flows.jsonl, attributes: { include: ["*"] } }
        """
    private static let captures = Fixtures.repository.appendingPathComponent("Tests/Core/PacketReplayTests/Captures")
    private static let line = #"{"src.address":"10.0.0.4","dst.address":"10.0.16.9","bytes":7}"#

    private func replay(_ input: String, _ options: String..., configuration: String = tables) throws -> Fixtures.Outcome {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            try configuration.write(to: file, atomically: true, encoding: .utf8)
            let lines = folder.appendingPathComponent("in")
            try input.write(to: lines, atomically: true, encoding: .utf8)
            let outcome = try Fixtures.weir(["replay", lines.path, "--config", file.path] + options)
            return Fixtures.Outcome(
                status: outcome.status, output: outcome.output, errors: outcome.errors.replacingOccurrences(of: folder.path + "/", with: ""))
        }
    }

    private func replay(file: String, _ options: String...) throws -> Fixtures.Outcome {
        try Fixtures.inFolder { folder in
            let configuration = folder.appendingPathComponent("weir.yaml")
            try Self.tables.write(to: configuration, atomically: true, encoding: .utf8)
            return try Fixtures.weir(["replay", Self.captures.appendingPathComponent(file).path, "--config", configuration.path] + options)
        }
    }

    @Test("records of packets are themselves records: replayed again, they are the same bytes", arguments: ["any-sll.pcap", "two-interfaces.pcapng"])
    func roundTrip(_ file: String) throws {
        let first = try replay(file: file, "--output", "records")
        #expect(first.status == 0 && first.output.split(separator: "\n").count > 10, "\(first)")
        #expect(try replay(first.output, "--output", "records").output == first.output)
        // In underscores too, and with names that no stage of the configuration knows.
        let renamed = first.output.replacingOccurrences(of: "src.owner.name\":\"(private)", with: "src_owner_name\":\"someone")
        #expect(renamed != first.output)
        let again = try replay(renamed, "--output", "records")
        #expect(again.output == first.output.replacingOccurrences(of: "src.owner.name\":\"(private)", with: "src.owner.name\":\"someone"))
    }

    @Test("the same input is the same output, also through a pipe", arguments: ["table", "metrics", "records", "books"])
    func deterministic(_ output: String) throws {
        let one = try replay(file: "any-sll.pcap", "--output", output)
        #expect(one.status == 0 && one.output.count > 100)
        #expect(try replay(file: "any-sll.pcap", "--output", output).output == one.output)
        let path = Self.captures.appendingPathComponent("any-sll.pcap").path
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            try Self.tables.write(to: file, atomically: true, encoding: .utf8)
            let options = "--config \(file.path) --output \(output)"
            #expect(try Fixtures.shell("cat \(path) | \"$weir\" replay - \(options)").output == one.output)
            #expect(try Fixtures.shell("\"$weir\" replay - \(options) < \(path)").output == one.output)
        }
    }

    @Test("the books balance, and the series are their sum")
    func books() throws {
        let metrics = try replay(file: "any-sll.pcap", "--output", "metrics").output.split(separator: "\n")
        let bytes = metrics.filter { $0.hasPrefix("weir_network_flow_bytes_total{") }.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        let books = try replay(file: "any-sll.pcap", "--output", "books").output
        func line(_ name: String) -> Int {
            let lines = books.split(separator: "\n").map { $0.split(separator: " ") }
            return lines.first { $0.dropLast(2).joined(separator: " ") == name }.flatMap { Int($0[$0.count - 2]) } ?? -1
        }
        #expect(line("seen") == line("in map") + line("not_counted.non_ip"))
        #expect(line("taken") == line("in map"))
        #expect(line("taken") == line("series") + line("not_exported.covered") + line("not_exported.filtered"))
        #expect(bytes.reduce(0, +) == line("series"))
    }

    @Test("a stage of the configuration has the word; where it has none, the line has")
    func names() throws {
        let lines =
            #"{"src.address":"10.0.0.4","src.zone":"mars","src_team":"x","dst.address":"192.0.2.7","dst.team":"lost","dst_owner_name":"shop","bytes":9}"#
        let found = try replay(lines, "--output", "records").output
        for expected in [#""src.zone":"eu-west-1a""#, #""src.team":"payments""#, #""dst.team":"lost""#, #""dst.owner.name":"shop""#] {
            #expect(found.contains(expected), "\(found)")
        }
    }

    @Test("two workloads that shared an address stay two")
    func sharedAddress() throws {
        let lines = ["frontend", "database"].map { #"{"src.address":"10.0.0.4","src.owner.name":"\#($0)","dst.address":"10.0.0.5","bytes":9}"# }
        let found = try replay(lines.joined(separator: "\n"), "--output", "metrics").output
        #expect(found.contains("{src_owner_name=\"frontend\"") && found.contains("{src_owner_name=\"database\""))
    }

    @Test("--local decides who saw a flow where the line does not say")
    func local() throws {
        func observer(_ options: String...) throws -> String? {
            let lines = [Self.line, #"{"src.address":"10.0.0.4","dst.address":"10.0.16.9","bytes":8,"observer":"both"}"#]
            let found = try replay(lines.joined(separator: "\n"), ["--output", "records"] + options)
            let observers = found.output.split(separator: "\n").compactMap { line in
                line.range(of: "\"observer\":\"").map { line[$0.upperBound...].prefix { $0 != "\"" } }
            }
            return observers.joined(separator: " ")
        }
        #expect(try observer() == "source both")
        #expect(try observer("--local", "10.0.16.0/24") == "destination both")
        #expect(try observer("--local", "10.0.16.0/24,10.0.0.0/24") == "both both")
        #expect(try observer("--local", "10.9.0.0/24") == "transit both")
    }

    private func replay(_ input: String, _ options: [String]) throws -> Fixtures.Outcome {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            try Self.tables.write(to: file, atomically: true, encoding: .utf8)
            let lines = folder.appendingPathComponent("in")
            try input.write(to: lines, atomically: true, encoding: .utf8)
            return try Fixtures.weir(["replay", lines.path, "--config", file.path] + options)
        }
    }

    @Test(
        "what is wrong with a line is said with its place; the lines before count, and the command fails",
        arguments: [
            (#"{"src.address":"10.0.0.4","dst.address":"10.0.16.9","bytes":"12x"}"#, "in:2:61: error: '12x' is not a whole number of bytes"),
            (#"{"src.address":"10.0.0.4"}"#, "in:2:1: error: dst.address, bytes are missing"),
            (#"{"src.address":"10.0.0.4/8","dst.address":"10.0.16.9","bytes":1}"#, "in:2:16: error: '10.0.0.4/8' is not an address such as"),
            (#"{"observer":"sorce"}"#, "in:2:13: error: 'sorce' is not one of source, destination, both, transit; did you mean 'source'?"),
            (#"{"bytes":1,"bytes":2}"#, "in:2:12: error: 'bytes' stands here twice"),
            (#"{"time":"yesterday"}"#, "in:2:9: error: 'yesterday' is not a time such as"),
            (#"{"src.port":65536}"#, "in:2:13: error: '65536' is not a port from 0 to 65535"),
            ("[1]", "in:2:1: error: expected '{': a line is one flow"),
            ("{}{}", "in:2:3: error: expected the end of the line behind the flow"),
            ("{\"a\":[]}", "in:2:6: error: expected a text, found a list"),
            ("too long", "in:2:1: error: the line is longer than 1MiB"),
        ])
    func badLine(_ line: String, _ expected: String) throws {
        let line = line == "too long" ? String(repeating: "x", count: 1_048_577) : line
        let outcome = try replay([Self.line, line, Self.line].joined(separator: "\n"), "--output", "books")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains(expected), "\(outcome.errors.prefix(500))")
        #expect(outcome.errors.contains("1 problem; the lines before the first were used"))
        #expect(outcome.output.contains("1 window, 1 flow\n"), "\(outcome.output)")
    }

    @Test("a name that nothing has is a warning with a suggestion, once")
    func unusedName() throws {
        let line = #"{"src.address":"10.0.0.4","dst.address":"10.0.16.9","bytes":7,"src.taem":"x"}"#
        let outcome = try replay([line, line].joined(separator: "\n"))
        #expect(outcome.status == 0)
        #expect(outcome.errors == "warning: 'src.taem' is not used, in 2 lines: nothing in this configuration has it; did you mean 'src.team'?\n")
    }

    @Test("what is no packet file and no JSON lines is refused; a wrong configuration too")
    func refused() throws {
        #expect(
            try replay("plain text").errors.hasSuffix("in: it begins neither as a packet file nor with '{'; pcap, pcapng or JSON lines are needed\n"))
        #expect(try replay("plain text").status == 1)
        #expect(
            try replay(Self.line, configuration: "enrihc: []").errors.contains("weir.yaml:1:1: error: unknown key 'enrihc'; did you mean 'enrich'?"))
        let silent = try replay(Self.line, "--output", "metrics", configuration: "export: []")
        #expect(silent.status == 1 && silent.errors.contains("add prometheus to 'export'"))
    }

    @Test("memory does not grow with what strangers write: names beyond the bound are counted, flows go on")
    func hostileNames() throws {
        try Fixtures.inFolder { folder in
            let file = folder.appendingPathComponent("weir.yaml")
            try Self.tables.write(to: file, atomically: true, encoding: .utf8)
            // 300,000 distinct owners of 256 bytes at both ends are more than is kept.
            let line =
                #"{ printf "{\"src.address\":\"10.0.0.4\",\"dst.address\":\"10.0.0.5\",\"bytes\":1,\"src.owner.name\":\"%0256d\",\"dst.owner.name\":\"%0256d\"}\n", NR, -NR }"#
            let outcome = try Fixtures.shell(
                "seq 300000 | awk '\(line)' | (ulimit -v 1500000; \"$weir\" replay - --config \(file.path) --output books)")
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.output.contains("1 window, 300000 flows"), "\(outcome)")
            #expect(outcome.errors.contains("ends went without the names of their lines"), "\(outcome)")
        }
    }
}

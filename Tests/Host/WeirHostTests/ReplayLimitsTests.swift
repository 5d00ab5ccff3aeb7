// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Testing
internal import WeirHost
internal import WeirKit
internal import WeirPipeline

/// JSON lines that somebody wrote to make trouble.
@Suite("weir replay: limits")
struct ReplayLimitsTests {
    /// Writes `lines` and runs `command`, a line of shell that finds `$weir`, `$input` and `$options` (the configuration) set.
    private func run(_ lines: [String] = [], _ command: String) throws -> Fixtures.Outcome {
        try Fixtures.inFolder { folder in
            let (file, input) = (folder.appendingPathComponent("weir.yaml"), folder.appendingPathComponent("in"))
            try "export: [prometheus, { plugin: json_lines, path: /nowhere/flows.jsonl, attributes: { include: ['*'] } }]"
                .write(to: file, atomically: true, encoding: .utf8)
            try lines.joined(separator: "\n").write(to: input, atomically: true, encoding: .utf8)
            let outcome = try Fixtures.shell("input='\(input.path)'; options='--config \(file.path)'; \(command)")
            return Fixtures.Outcome(
                status: outcome.status, output: outcome.output, errors: outcome.errors.replacingOccurrences(of: folder.path + "/", with: ""))
        }
    }

    private func line(_ fields: String, second: Int = 0) -> String {
        let clock = [second / 3600, second / 60 % 60, second % 60].map { String("0\($0)".suffix(2)) }.joined(separator: ":")
        return #"{"time":"2026-01-01T\#(clock).000Z","src.address":"10.0.0.4","dst.address":"10.0.16.9",\#(fields)}"#
    }

    @Test("sums that no counter holds are refused where they begin; what was before counts", arguments: ["bytes", "packets"])
    func sums(_ measure: String) throws {
        // 1,024 × (2^53 - 1) is less than 2^63; 2,049 of them are more than 2^64.
        let most = UInt64(1) << 53 - 1
        let first = #""\#(measure == "bytes" ? "packets" : "bytes")":1,"\#(measure)":"#
        let lines = Array(repeating: line("\(first)\(most)"), count: 2100)
        let column = line("").count - 1 + first.count + 1
        for output in ["table", "metrics", "records", "books"] {
            // Records are more than a pipe holds.
            let outcome = try run(lines, "\"$weir\" replay $input $options --output \(output) | grep -v '^{'")
            let message =
                "in:1025:\(column): error: the \(measure) of this file add up to 9223372036854775808 or more, which is more than is counted: split it\n"
            #expect(outcome.errors.hasPrefix(message), "\(outcome.errors.prefix(300))")
            #expect(outcome.errors.hasSuffix("\n1 problem; the lines before the first were used\n"))
            if output != "records" { #expect(outcome.output.contains("\(most * 1024)"), "\(outcome.output.prefix(1000))") }
        }
    }

    @Test(
        "memory does not depend on how long keys and values are",
        arguments: [#""":1"#, #""src.zone":"""#, #""iface":"""#, #""observer":"""#])
    func longTexts(_ field: String) throws {
        // Where two quotes meet, a number and 450,000 characters: texts of 180 MB through a process that may have 100 MiB of data and heap.
        let parts = line("\(field),\"bytes\":7").components(separatedBy: "\"\"").map { $0.replacingOccurrences(of: "\"", with: "\\\"") }
        let program = """
            BEGIN { s = "x"; while (length(s) < 450000) s = s s; s = substr(s, 1, 450000)
                for (i = 0; i < 400; i++) print "\(parts[0])\\"" i s "\\"\(parts[1])" }
            """
        let outcome = try run([], "awk '\(program)' | (ulimit -d 102400 && \"$weir\" replay - $options --output books)")
        if field.contains("observer") {
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("standard input:1:"), "\(outcome.errors.prefix(300))")
        } else {
            #expect(outcome.status == 0, "\(outcome.errors.prefix(300))")
            #expect(outcome.output.contains("1 window, 400 flows\n"), "\(outcome.output)")
        }
        #expect(outcome.errors.utf8.count < 60_000)
    }

    @Test("a long value is kept as far as the pipeline keeps it, so that those that begin alike are one")
    func longValue() throws {
        let long = String(repeating: "é", count: 128)
        let found = try run(
            ["x", "y"].map { line("\"dst.zone\":\"\(long)\($0)\",\"bytes\":7") }, "\"$weir\" replay $input $options --output metrics")
        #expect(found.output.contains("dst_zone=\"\(long)\""), "\(found.output)")
        #expect(found.output.contains("} 14\n"))
    }

    @Test("recorded names have a limit in bytes; beyond it flows count without them")
    func namesLimit() throws {
        try Fixtures.inFolder { folder in
            let input = folder.appendingPathComponent("in")
            let lines = (0..<100).map { line("\"src.zone\":\"zone-\($0)\",\"bytes\":7") }
            try lines.joined(separator: "\n").write(to: input, atomically: true, encoding: .utf8)
            let reading = try WeirHost.flowLines(at: input.path, catalog: Catalog(), namesLimit: 10_000)
            #expect(reading.flows.count == 100)
            let named = reading.flows.filter { !$0.source.isEmpty }
            #expect(named.count + reading.turnedAway == 100 && (10...40).contains(named.count), "\(named.count) \(reading.turnedAway)")
            #expect(named.map { $0.source[.zone] } == (0..<named.count).map { "zone-\($0)" })
        }
    }

    @Test("interfaces keep their names through all windows, and many are no trouble")
    func interfaces() throws {
        let few = [0, 1, 0, 1, 2].enumerated().map { line("\"iface\":\"eth\($1)\",\"bytes\":7", second: 5 * $0) }
        let found = try run(few, "\"$weir\" replay $input $options --output records")
        let names = found.output.components(separatedBy: "\"iface\":\"eth").dropFirst().compactMap(\.first)
        #expect(String(names) == "01012", "\(found)")
        let many = (0..<40_000).map { line("\"iface\":\"veth\($0)\",\"bytes\":7", second: $0) }
        // Seconds of CPU.
        let books = try run(many, "ulimit -t 10; \"$weir\" replay $input $options --output books")
        #expect(books.output.contains("40000 windows, 40000 flows\n"), "\(books)")
    }

    @Test("series stay to the end of the file, however long ago they began")
    func centuries() throws {
        let lines = [("1971", "10.0.0.4"), ("2400", "192.0.2.4")].map {
            #"{"time":"\#($0)-01-01T00:00:00Z","src.address":"\#($1)","dst.address":"10.0.16.9","bytes":7}"#
        }
        let found = try run(lines, "\"$weir\" replay $input $options --output metrics").output.split(separator: "\n")
        let series = found.filter { $0.hasPrefix("weir_network_flow_bytes_total{") }
        #expect(series.count == 2 && series.allSatisfy { $0.hasSuffix(" 7") }, "\(found)")
    }
}

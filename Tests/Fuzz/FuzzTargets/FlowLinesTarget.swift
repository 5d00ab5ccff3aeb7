// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
internal import WeirHost
internal import WeirKit
internal import WeirPipeline

extension FuzzTarget {
    /// JSON lines, as `weir replay` reads them: problems stand in the file; the flows are those of the lines before the first problem,
    /// to the byte; what is kept is bounded; what was accepted is written again and read back the same.
    static let flowLines = FuzzTarget(
        "flow_lines",
        words: [
            "{", "}", ":", ",", "\n", "\r\n", "\"src.address\":\"10.0.0.4\"", "\"dst_address\":\"2001:db8::1\"", "\"bytes\":", "\"packets\":",
            "9007199254740991", "9007199254740992", "\"time\":\"2026-01-02T03:04:05.678Z\"", "\"time\":\"1970-01-01T00:00:00Z\"",
            "\"src.port\":", "\"client.port\":", "\"server.port\":", "65535", "\"transport\":\"tcp\"", "\"observer\":\"both\"",
            "\"initiator\":\"dst\"", "\"direction\":\"request\"", "\"initiator.source\":\"port\"", "\"iface\":\"eth0\"", "\"src.zone\":\"a\"",
            "\"dst.owner.name\":\"b\"", "\"src.cgroup\":", "9223372036854775807", "\"traffic.scope\":\"x\"", "\\u0000", "\\ud83d\\ude00", "null",
            "\"\"", "\u{7f}", "é",
        ]
    ) { (bytes) throws(BrokenLaw) in
        let found = try FlowLinesLaws.read(bytes)
        let problems = ConfigProblems()
        for problem in found.problems { problems.note(problem.kind, problem.message, at: problem.position) }
        try Places.check(problems, in: bytes)
        try require(found.problems.count <= 20, "\(found.problems.count) problems of one file")
        try FlowLinesLaws.sum(found, bytes)
        try FlowLinesLaws.bounded(found)

        let again = try FlowLinesLaws.read(found.flows.flatMap(FlowLinesLaws.line))
        try require(again.problems.isEmpty, "what was accepted is refused when it is written again: \(again.problems.first?.message ?? "")")
        try require(again.unused.isEmpty, "written again, it has names that nothing has: \(again.unused)")
        let (first, second) = (found.flows.map(FlowLinesLaws.text), again.flows.map(FlowLinesLaws.text))
        for (was, is_) in zip(first, second) { try require(was == is_, "read back as something else:\n\(was)\n\(is_)") }
        try require(first.count == second.count, "\(first.count) flows are read back as \(second.count)")
    }
}

enum FlowLinesLaws {
    /// Reached by three lines, so that inputs of ordinary size come to it; 2^63 is the same code.
    private static let limit: UInt64 = 1 << 54
    /// Few names fit.
    private static let namesLimit = 2000
    private static let catalog = Catalog()

    static func read(_ bytes: [UInt8]) throws(BrokenLaw) -> FlowLinesReading {
        let path = try ScratchFile.write(bytes, ".jsonl")
        defer { ScratchFile.remove(path) }
        do {
            return try WeirHost.flowLines(at: path, catalog: catalog, local: [CIDR("10.0.0.0/20")!], limit: limit, namesLimit: namesLimit)
        } catch { throw BrokenLaw("\(path) could not be read: \(error)") }
    }

    /// The flows are the lines before the first problem: as many, as many bytes and packets, and less than the limit.
    static func sum(_ found: FlowLinesReading, _ bytes: [UInt8]) throws(BrokenLaw) {
        let refused = found.problems.first
        var lines: [(bytes: UInt64, packets: UInt64)] = []
        var refusedLine: (bytes: UInt64, packets: UInt64)?
        for (index, part) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let line = Array(part.last == UInt8(ascii: "\r") ? part.dropLast() : part)
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) { continue }
            let isRefused = index + 1 == refused?.position.line
            if isRefused, refused?.message.contains("add up to") != true { break }
            let amounts = try amounts(line)
            if isRefused {
                refusedLine = amounts
                break
            }
            lines.append(amounts)
        }
        let wanted = lines.reduce(into: (bytes: UInt64(0), packets: UInt64(0))) { $0 = ($0.bytes + $1.bytes, $0.packets + $1.packets) }
        let sum = found.flows.reduce(into: (bytes: UInt64(0), packets: UInt64(0))) {
            $0 = ($0.bytes + $1.flow.bytes, $0.packets + $1.flow.packets)
        }
        try require(found.flows.count == lines.count, "\(found.flows.count) flows of \(lines.count) lines")
        try require(sum == wanted, "the flows have \(sum), their lines \(wanted)")
        try require(sum.bytes < limit && sum.packets < limit, "\(sum) was not refused")
        if let refusedLine {
            let isOver = sum.bytes + refusedLine.bytes >= limit || sum.packets + refusedLine.packets >= limit
            try require(isOver, "\(sum) and \(refusedLine) were refused")
        }
    }

    /// What a line of a flow says in numbers.
    private static func amounts(_ line: [UInt8]) throws(BrokenLaw) -> (bytes: UInt64, packets: UInt64) {
        var (bytes, packets): (UInt64?, UInt64?) = (nil, nil)
        var reader = JSONReader(line)
        do throws(JSONReader.Problem) {
            try reader.object(orSay: "no object") { (reader, key) throws(JSONReader.Problem) in
                let value = try reader.value()
                if key.text == "bytes" { bytes = UInt64(value.text) }
                if key.text == "packets" { packets = UInt64(value.text) }
            }
        } catch { throw BrokenLaw("a line was accepted that is no object: \(error.message)") }
        guard let bytes else { throw BrokenLaw("a line was accepted that has no bytes") }
        return (bytes, packets ?? 1)
    }

    /// Nothing that is kept is longer than the pipeline keeps it.
    static func bounded(_ found: FlowLinesReading) throws(BrokenLaw) {
        for flow in found.flows {
            for text in Array(flow.source.values) + Array(flow.destination.values) + [flow.interface] {
                try require(text.utf8.count <= 256, "a text of \(text.utf8.count) bytes is kept")
            }
        }
        let named = Set(found.flows.flatMap { [$0.source, $0.destination] }.filter { !$0.isEmpty })
        let size = named.reduce(0) { $0 + $1.values.reduce(0) { $0 + $1.utf8.count } }
        try require(size <= namesLimit, "\(size) bytes of names are kept")
        try require(found.unused.count <= 100, "\(found.unused.count) unused names are kept")
        for name in found.unused { try require(name.utf8.count <= 260, "an unused name of \(name.utf8.count) bytes is kept") }
        for problem in found.problems { try require(problem.message.utf8.count <= 2000, "a message of \(problem.message.utf8.count) bytes") }
    }

    /// The flow as a line of its own.
    static func line(_ found: FlowLinesReading.Flow) -> [UInt8] {
        var bytes = Array("{\"time\":\"".utf8)
        RFC3339.append(nanoseconds: found.time, to: &bytes)
        // What the writer of records cuts off.
        bytes.removeLast()
        bytes += String(found.time % 1_000_000 + 1_000_000).dropFirst().utf8
        bytes += "Z\"".utf8
        func add(_ name: String, _ text: String) {
            bytes += ",\"\(name)\":".utf8
            JSONText.append(text, to: &bytes)
        }
        let flow = found.flow
        add("src.address", "\(flow.source)")
        add("dst.address", "\(flow.destination)")
        bytes += ",\"bytes\":\(flow.bytes),\"packets\":\(flow.packets),\"src.port\":\(flow.sourcePort),\"dst.port\":\(flow.destinationPort)".utf8
        bytes += ",\"transport\":\(flow.transport)".utf8
        add("observer", flow.observer.name)
        add("initiator", flow.initiator.name)
        add("initiator.source", flow.initiatorSource.name)
        if !found.interface.isEmpty { add("iface", found.interface) }
        if flow.sourceOwner > 0 { add("src.cgroup", "\(flow.sourceOwner)") }
        if flow.destinationOwner > 0 { add("dst.cgroup", "\(flow.destinationOwner)") }
        for (attribute, text) in found.source { add(SelectedAttribute(attribute, .source).name, text) }
        for (attribute, text) in found.destination { add(SelectedAttribute(attribute, .destination).name, text) }
        bytes += "}\n".utf8
        return bytes
    }

    /// All that is known of a flow.
    static func text(_ found: FlowLinesReading.Flow) -> String {
        func names(_ texts: [Attribute: String]) -> [String] { texts.map { "\($0.key.name)=\($0.value)" }.sorted() }
        return "\(found.time) \(found.flow) \(found.interface) \(names(found.source)) \(names(found.destination))"
    }
}

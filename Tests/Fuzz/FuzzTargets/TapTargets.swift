// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirHost
internal import WeirKit
internal import WeirPipeline
internal import WeirTesting

extension FuzzTarget {
    /// Requests of clients of `weir tap`: read back the same, refused with one sentence; what the plan takes runs over flows.
    static let tapRequest = FuzzTarget(
        "tap_request",
        words: [
            "{\"weir_tap\":1", "\"filter\":\"", "\"columns\":[", "\"explain\":true", "}", "]", ",", "\"", "\\\"", "src.zone", "dst_zone", "*.zone",
            "bytes > 10", "src.port", "observer", " == ", " or ", "not ", "\\u0000", "\\ud83d\\ude00", "null", "1e0", "\n",
        ], maxBytes: 2048
    ) { (bytes) throws(BrokenLaw) in
        let request: TapRequest
        do throws(TapProblem) { request = try TapRequest(bytes) } catch {
            try require(error.reason == .request || error.reason == .version, "no request is refused as \(error.reason)")
            try require(error.column == nil && isShort(error), "'\(error.message)' is no sentence for a client")
            return
        }
        var line = request.line
        try require(line.popLast() == UInt8(ascii: "\n") && !line.contains(UInt8(ascii: "\n")), "a request is one line")
        if line.count <= TapRequest.maxBytes {
            try require((try? TapRequest(line)) == request, "written anew, it is another request")
        }
        try subscribe(request)
    }

    private static func isShort(_ problem: TapProblem) -> Bool {
        problem.message.utf8.count <= 1024 && problem.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    /// A plan that captures some of what exists takes the request, or says why not and where.
    private static func subscribe(_ request: TapRequest) throws(BrokenLaw) {
        let stage = FixedAnswers([.zone: "a", .ownerName: "frontend", .endpoint("team"): "payments"])
        var fixture = PipelineFixture(
            "metrics: { network.flow.bytes: [src.zone, dst.owner.name, transport] }",
            enrichers: [EnricherInstance(name: "fixed", stage: .endpoint(stage))])
        let context = TapContext(plan: fixture.plan, catalog: Catalog(declared: Array(stage.writes)), window: .seconds(5), taps: fixture.taps)
        let queue = TapQueue(TapBook(fixture.registry)) {}
        do throws(TapProblem) {
            fixture.taps.add(try context.subscribe(request, queue))
        } catch {
            try require(error.reason == .filter || error.reason == .columns, "what the plan does not take is refused as \(error.reason)")
            if error.reason == .filter {
                let length = request.filter?.count ?? 0
                try require((1...length + 1).contains(error.column ?? 0), "column \(error.column ?? 0) of a filter of \(length) characters")
            }
            return
        }
        let flows = (1...5).map { CapturedFlow("10.0.0.\($0)", "10.0.1.1", bytes: 1 << UInt64($0), transport: UInt8($0)) }
        fixture.window(flows)
        var bytes: UInt64 = 0
        while let item = queue.next() { if case .records(let records) = item { bytes += records.batch.bytes.reduce(0, +) } }
        try require(bytes & ~62 == 0, "\(bytes) is no sum of flows")
        if request.filter == nil { try require(bytes == 62, "without a filter \(bytes) of 62 bytes come") }
    }

    /// What stands at the other end of `weir tap`: no agent, perhaps.
    static let tapLines = FuzzTarget(
        "tap_lines",
        words: [
            "{\"time\":\"2026-01-02T03:04:05.678Z\"", ",\"src.zone\":\"a\"", ",\"bytes\":1,\"packets\":1}\n", ",\"explain\":{", "\"by\":\"cidr\"",
            "\"also\":[", "\"asked\":[", "{\"weir_tap\":1,\"version\":\"1\",\"window\":\"5s\",\"columns\":[\"src.zone\"],\"not_captured\":[]}\n",
            "{\"lost\":3}\n", "{\"error\":\"x\",\"reason\":\"filter\",\"column\":2}\n", "\\u001b[2J", "\u{1b}", "\u{9b}", "}", "]", "\n", "é",
        ]
    ) { (bytes) throws(BrokenLaw) in
        for format in [Tap.Format.table, .json] {
            var shown: [UInt8] = []
            var said = ""
            var show = TapShow(
                format, count: 3, filter: "a == \"b\"", write: { (bytes) throws(SystemError) in shown += bytes }, tell: { said += $0 })
            try? show.take(bytes[...])
            let text = said + (format == .table ? String(decoding: shown, as: UTF8.self) : "")
            try require(
                text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control }, "control characters go to a terminal")
            guard format == .json else { continue }
            let lines = Set(bytes.split(separator: UInt8(ascii: "\n")))
            let records = shown.split(separator: UInt8(ascii: "\n"))
            try require(records.allSatisfy { lines.contains($0) }, "a line was changed on its way")
            try require(records.count { $0.starts(with: "{\"time\":".utf8) } <= 3, "more records than were asked for")
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline
internal import WeirTesting

extension FuzzTarget {
    /// Filters: an error has its column; a filter and its negation part the traffic, to the byte; what the filter prints is read back.
    static let filter = FuzzTarget(
        "filter",
        words: [
            "and", "or", "not ", "not in", " in ", "==", "!=", "<=", ">=", "=~", "~", "[", "]", "(", ")", "\"", "'", "\\", "src.zone",
            "dst.owner.name", "dst.port",
            "src.address", "bytes", "packets", "10MiB", "10.0.0.0/8", "2001:db8::/32", "transport", "\"TCP\"", "traffic.scope", "\"internet\"",
            "src.team",
            "network.type", "\"a*\"", "18446744073709551615", ", ",
        ], maxBytes: 2048
    ) { (bytes) throws(BrokenLaw) in
        let text = String(decoding: bytes, as: UTF8.self)
        let problems = ConfigProblems()
        let filter = Filter.read(scalar(text), catalog: catalog, problems: problems)
        guard let filter else { return try checkColumn(problems, text) }
        try require(problems.count == 0, "a filter was made, and a problem noted")
        try require(filter.text == text, "the filter prints as '\(filter.text)'")
        let negation = "not (\(text))"
        let negated = ConfigProblems()
        guard Filter.read(scalar(negation), catalog: catalog, problems: negated) != nil else {
            let message = negated.all.first?.message ?? ""
            return try require(message.contains("nested deeper") || message.contains("at most"), "its negation is refused: \(message)")
        }
        try part(text, negation)
    }

    private static let place = ConfigPosition(file: "filter", line: 1, column: 1)
    private static func scalar(_ text: String) -> ConfigNode { ConfigNode(.scalar(text), at: place) }
    private static func mapping(_ entries: KeyValuePairs<String, ConfigNode>) -> ConfigNode {
        ConfigNode(.mapping(entries.map { ConfigNode.Entry(key: scalar($0.key), value: $0.value) }), at: place)
    }

    private static let stage = FixedAnswers([.zone: "a", .ownerName: "frontend", .endpoint("team"): "payments"])
    private static let catalog = Catalog(declared: Array(stage.writes))

    /// `filter, column 7: …`: the column lies in the filter, or right behind it.
    private static func checkColumn(_ problems: ConfigProblems, _ text: String) throws(BrokenLaw) {
        guard let message = problems.all.first?.message, problems.count == 1 else { throw BrokenLaw("\(problems.count) problems of one filter") }
        let lead = "filter, column "
        guard message.hasPrefix(lead), let column = Int(message.dropFirst(lead.count).prefix { $0.isNumber }) else {
            throw BrokenLaw("no column in '\(message)'")
        }
        try require((1...text.count + 1).contains(column), "column \(column) in a filter of \(text.count) characters")
    }

    private static let flows: [CapturedFlow] = [
        CapturedFlow("10.0.0.1", "10.0.0.2", bytes: 1, packets: 1, ports: (40_000, 80)),
        CapturedFlow("10.0.0.1", "192.0.2.9", bytes: 2, packets: 3, observer: .destination, ports: (443, 40_001), transport: 17),
        CapturedFlow("2001:db8::1", "2001:db8::2", bytes: 4, packets: 9, observer: .transit, transport: 58),
        CapturedFlow("10.9.9.9", "239.1.1.1", bytes: 8, packets: 27, ports: (1, 65_535), transport: 132),
        CapturedFlow("10.0.0.1", "10.0.0.3", bytes: 1 << 40, packets: 1 << 33, ports: (53, 53), transport: 255),
    ]

    private static func part(_ filter: String, _ negation: String) throws(BrokenLaw) {
        func metric(_ filter: String) -> ConfigNode {
            mapping(["measure": scalar("bytes"), "filter": scalar(filter), "attributes": ConfigNode(.list([]), at: place)])
        }
        var fixture = PipelineFixture(
            mapping(["metrics": mapping(["pass": metric(filter), "rest": metric(negation)])]),
            enrichers: [EnricherInstance(name: "fixed", stage: .endpoint(stage))])
        fixture.window(flows)
        let (pass, rest) = (fixture.values("pass")[""] ?? 0, fixture.values("rest")[""] ?? 0)
        let all = flows.reduce(UInt64(0)) { $0 + $1.bytes }
        try require(pass + rest == all, "\(pass) bytes pass, \(rest) pass the negation, \(all) there are")
        // Every flow has its own bit, so that what passed is a set of flows.
        try require(pass & ~all == 0, "\(pass) is no sum of flows")
    }
}

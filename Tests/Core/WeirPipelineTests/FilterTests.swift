// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirKit
import WeirPipeline
import WeirTesting

@Suite struct FilterTests {
    private static let stage = TableStage([
        "10.0.0.4": [.ownerName: .text("frontend"), .zone: .text("a")], "10.0.0.23": [.ownerName: .text("database"), .zone: .text("b")],
    ])

    @Test(
        "a filter passes what its words say",
        arguments: [
            ("src.owner.name == \"frontend\"", true),
            ("src.owner.name != \"frontend\"", false),
            ("src_owner_name == 'frontend'", true),
            ("dst.port == 80", true),
            ("dst.port in [443, 80]", true),
            ("dst.port not in [443, 80]", false),
            ("dst.port >= 80 and dst.port < 81", true),
            ("bytes > 1KiB", false),
            ("packets <= 2 or bytes == 0", true),
            ("src.address in 10.0.0.0/24", true),
            ("dst.address in [10.0.1.0/24, 2001:db8::/32]", false),
            ("src.address == \"10.0.0.4\"", true),
            ("dst.owner.name ~ \"data*\"", true),
            ("dst.owner.name ~ \"data\"", false),
            ("dst.owner.name =~ \"^data(base)?$\"", true),
            ("not dst.owner.name =~ \"base\"", false),
            ("transport == \"TCP\"", true),
            ("transport in [\"UDP\", \"ICMP\"]", false),
            ("traffic.scope == \"inter_zone\" and not (src.zone == \"b\" or dst.zone == \"a\")", true),
            ("src.zone == \"x\" or src.zone == \"a\" and dst.zone == \"b\"", true),
            ("src.region == \"\"", true),
            ("network.type == \"ipv6\"", false),
        ])
    func passes(_ filter: String, _ expected: Bool) {
        let quoted = filter.replacing("'", with: "''")
        var fixture = PipelineFixture("{ filter: '\(quoted)', metrics: { network.flow.bytes: [] } }", enrichers: [Self.stage.instance])
        fixture.window([CapturedFlow("10.0.0.4", "10.0.0.23", bytes: 500, packets: 2, ports: (54200, 80))])
        #expect(fixture.metric("weir_pipeline_series_bytes_total") == (expected ? 500 : 0))
        #expect(fixture.metric("weir_pipeline_not_exported_bytes_total", "filtered") == (expected ? 0 : 500))
    }

    @Test(
        "a wrong filter says where and what to write instead",
        arguments: [
            ("src.zoen == \"a\"", "filter, column 1: unknown attribute 'src.zoen'; did you mean 'src.zone'?"),
            ("zone == \"a\"", "filter, column 1: 'zone' is about one end: write 'src.zone' or 'dst.zone'"),
            ("src.zone = \"a\"", "filter, column 10: '=' is no comparison; did you mean '=='?"),
            ("src.zone == a", "filter, column 13: texts stand in double quotes: write \"a\""),
            ("src.port == \"80\"", "filter, column 13: src.port is a number: write \"80\" without quotes"),
            ("src.zone > 3", "filter, column 10: '>' compares numbers, and src.zone is none"),
            ("dst.port ~ \"8*\"", "filter, column 10: '~' compares texts, and dst.port is none"),
            ("src.zone =~ \"(\"", "filter, column 13: this is no regular expression"),
            ("traffic.scope == \"inter-zone\"", "filter, column 18: traffic.scope is never \"inter-zone\"; did you mean 'inter_zone'?"),
            ("src.zone == \"a\" and", "filter, column 20: expected an attribute such as src.zone, found the end of the filter"),
            ("(src.zone == \"a\"", "filter, column 17: expected ')', found the end of the filter"),
            ("src.zone == \"a\" src.zone", "filter, column 17: expected 'and', 'or' or the end, found 'src.zone'"),
            ("src.zone == \"a", "filter, column 13: this text has no closing \""),
            ("src.zone == \"a\" && src.zone == \"b\"", "filter, column 17: '&' is not known here; write 'and'"),
            ("src.address in 10.0.0.7/8", "filter, column 16: '10.0.0.7/8' is not an address or a range"),
            ("", "filter, column 1: expected an attribute such as src.zone, found the end of the filter"),
        ])
    func errors(_ filter: String, _ expected: String) {
        let problems = ConfigProblems()
        let node = ConfigNode(.scalar(filter), at: ConfigPosition(file: "f", line: 1, column: 1))
        #expect(Filter.read(node, catalog: Catalog(), problems: problems) == nil)
        #expect(problems.all.count == 1)
        #expect(problems.all.first?.message.hasPrefix(expected) == true, "\(problems.all.first?.message ?? "no problem")")
    }

    @Test("a filter nested too deeply is refused, not run out of stack")
    func depth() {
        let problems = ConfigProblems()
        let text = String(repeating: "(", count: 5000) + "src.zone == \"a\"" + String(repeating: ")", count: 5000)
        _ = Filter.read(ConfigNode(.scalar(text), at: ConfigPosition(file: "f", line: 1, column: 1)), catalog: Catalog(), problems: problems)
        #expect(problems.all.count == 1)
    }
}

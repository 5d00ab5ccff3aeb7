// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import StdoutExporter
internal import Testing
internal import WeirKit

@Suite("stdout: the table")
struct TableTests {
    @Test("the largest flows come first, both ends of a fact stand side by side, and the rest is one line")
    func golden() {
        var table = plainTable(rows: 2)
        let small = (0..<213).map { (values: ["a\($0)", "b", nil, nil, "unknown", "source"] as [String?], bytes: UInt64(5908), packets: UInt64(1)) }
        let text = table.text(
            batch(
                defaults,
                [
                    (["frontend", "(internet)", "eu-west-1a", nil, "internet", "source"], 1536, 12),
                    (["frontend", "database", "eu-west-1a", "eu-west-1b", "inter_zone", "source"], 12_897_485, 9120),
                    (["checkout", "database", "eu-west-1b", "eu-west-1b", "same_zone", "both"], 999_999, 1000),
                ] + small), lineWidth: nil)
        #expect(
            text == """
                TIME UTC   SRC OWNER → DST OWNER   SRC ZONE   → DST ZONE     SCOPE        OBSERVER         BYTES     PACKETS
                03:04:05   frontend  → database    eu-west-1a → eu-west-1b   inter_zone   source        12.3 MiB       9,120
                           checkout  → database    eu-west-1b → eu-west-1b   same_zone    both         976.6 KiB       1,000
                           … and 214 more flows, 1.2 MiB

                """)
    }

    @Test("what follows stands in line with what was, and the header comes again only when something moved")
    func widths() {
        var table = plainTable()
        let first = table.text(batch(owners, [(["frontend", "database"], 2048, 2)]), lineWidth: nil).lines
        let second = table.text(batch(owners, [(["web", nil], 1, 1)], after: 5), lineWidth: nil).lines
        let third = table.text(batch(owners, [(["frontend", "a-much-longer-name"], 1, 1)], after: 10), lineWidth: nil).lines
        #expect(
            first == ["TIME UTC   SRC OWNER → DST OWNER         BYTES     PACKETS", "03:04:05   frontend  → database        2.0 KiB           2"])
        #expect(second == ["03:04:10   web       → -                   1 B           1"])
        #expect(
            third == [
                "TIME UTC   SRC OWNER → DST OWNER                  BYTES     PACKETS",
                "03:04:15   frontend  → a-much-longer-name           1 B           1",
            ])
    }

    @Test("the header comes again when other attributes do, and when it has scrolled away")
    func headers() {
        var table = plainTable(rows: 60)
        let owner = batch(owners, [(["a", "b"], 1, 1)])
        #expect(table.text(owner, lineWidth: nil).lines.count == 2)
        #expect(table.text(batch([SelectedAttribute(.transport)], [(["TCP"], 1, 1)]), lineWidth: nil).lines.first?.contains("TRANSPORT") == true)
        #expect(table.text(owner, lineWidth: nil).lines.count == 2)
        #expect(table.text(batch(owners, (0..<60).map { (["a\($0)", "b"], 1, 1) }), lineWidth: nil).lines.count == 60)
        #expect(table.text(owner, lineWidth: nil).lines.count == 2)
    }

    @Test("an empty batch prints nothing")
    func empty() {
        var table = plainTable()
        #expect(table.text(batch(owners, []), lineWidth: 80) == "")
    }

    @Test("one flow more is one flow, and equal flows keep their order")
    func rest() {
        var table = plainTable(rows: 2)
        let lines = table.text(batch([SelectedAttribute(.transport)], [(["UDP"], 7, 1), (["TCP"], 7, 1), (["6"], 7, 1)]), lineWidth: nil).lines
        #expect(lines.map { $0.dropFirst(11).prefix(3) } == ["TRA", "UDP", "TCP", "… a"])
        #expect(lines.last == "           … and 1 more flow, 7 B")
    }

    @Test("halves find each other by name, wherever they were selected; one alone is a column of its own")
    func pairs() {
        let namespace = Attribute.endpoint("k8s.namespace")
        let columns = TableColumns([
            SelectedAttribute(.destinationPort), SelectedAttribute(namespace, .source), SelectedAttribute(.zone, .source),
            SelectedAttribute(.sourcePort), SelectedAttribute(.serverPort), SelectedAttribute(namespace, .destination),
            SelectedAttribute(.trafficScopeReason), SelectedAttribute(.name, .destination),
        ])
        #expect(
            columns.columns == [.pair(source: 3, destination: 0), .pair(source: 1, destination: 5), .single(2), .single(4), .single(6), .single(7)])
        #expect(
            columns.titles == [
                "DST PORT", "SRC K8S NAMESPACE", "SRC ZONE", "SRC PORT", "SERVER PORT", "DST K8S NAMESPACE", "SCOPE REASON", "DST NAME",
            ])
    }

    @Test("a line fits the terminal as long as its texts stay readable; numbers are never cut", arguments: [60, 80, 100, 200])
    func fits(_ width: Int) {
        var table = plainTable()
        let long = "a-deployment-with-a-very-long-name-indeed"
        let lines = table.text(batch(owners, [([long, "東京東京東京東京東京東京東京東京"], .max, .max)]), lineWidth: width).lines
        #expect(lines.allSatisfy { DisplayText.width($0) <= max(width, 75) })
        #expect(Set(lines.map(DisplayText.width)).count == 1)
        #expect(lines[1].hasSuffix("  16.0 EiB  18,446,744,073,709,551,615") || width == 200)
        #expect(lines[1].contains(long.prefix(5)))
    }

    @Test("the default attributes fit 100 cells, with the scope and the numbers whole")
    func hundred() {
        var table = plainTable()
        let lines = table.text(
            batch(defaults, [(["frontend", "database", "eu-west-1a", "eu-west-1b", "inter_region", "destination"], 12_897_485, 9120)]), lineWidth: 100
        ).lines
        #expect(
            lines == [
                "TIME UTC  SRC OWNER → DST OWNER  SRC ZONE  → DST ZONE   SCOPE         OBSERVER        BYTES  PACKETS",
                "03:04:05  frontend  → database   eu-west-… → eu-west-…  inter_region  destinati…   12.3 MiB    9,120",
            ])
    }

    @Test("a name from outside cannot steer the terminal")
    func hostile() {
        var table = plainTable()
        let text = table.text(batch(owners, [(["\u{1B}[2J\nx", "\u{202E}gpj.exe"], 1, 1)]), lineWidth: nil)
        #expect(text.lines.count == 2)
        #expect(!text.unicodeScalars.contains("\u{1B}"))
        #expect(text.contains("\u{FFFD}[2J\u{FFFD}x"))
        #expect(text.contains("\u{FFFD}gpj.exe"))
    }
}

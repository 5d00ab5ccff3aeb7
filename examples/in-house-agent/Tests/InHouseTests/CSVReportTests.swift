// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import InHousePlugins
import Testing
import WeirKit
import WeirTesting

@Suite("csv_report")
struct CSVReportTests {
    private static let flows = MetricSnapshot(
        name: "weir.network.flow.bytes", help: "Bytes.", unit: "By", attributes: ["src.team", "dst.name"], values: [5, 1357, 7, 0],
        created: [0, 0, 0, 0],
        texts: ["search", "=cmd|' /C calc'!A0", "payments", "a \"db\", or two", "", "", "search", ""], overflow: 2)

    @Test("the sample decodes to exactly the defaults, and a relative folder is refused")
    func options() {
        let found = CSVReportOptions.reading(CSVReportPlugin.sample)
        #expect(found.problems == [])
        #expect(found.options == CSVReportOptions())
        #expect(CSVReportOptions.reading("folder: out").problems == ["weir.yaml:1:9: 'out' is not an absolute path such as /var/log/weir"])
    }

    @Test("a table has the largest value first, quotes what needs it and runs no formula")
    func table() {
        #expect(
            CSVTable(Self.flows).text.split(separator: "\r\n").map(String.init) == [
                "src.team,dst.name,bytes,since",
                "payments,\"a \"\"db\"\", or two\",1357,1970-01-01T00:00:00Z",
                "(other),(other),7,1970-01-01T00:00:00Z",
                "search,'=cmd|' /C calc'!A0,5,1970-01-01T00:00:00Z",
                "search,,0,1970-01-01T00:00:00Z",
            ])
    }

    @Test("every metric has its file, which is written anew; a folder that is not there is an error")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("csv-report-\(UUID().uuidString)")
        var options = CSVReportOptions()
        options.folder = folder.path
        let registry = MetricRegistry()
        let exporter = CSVReportExporter(options, .testing("csv_report", metrics: registry))
        #expect(throws: (any Error).self) { try exporter.write([Self.flows]) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for _ in 1...2 { try exporter.write([Self.flows]) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["weir.network.flow.bytes.csv"])
        let file = folder.appendingPathComponent("weir.network.flow.bytes.csv")
        #expect(try String(contentsOf: file, encoding: .utf8) == CSVTable(Self.flows).text)
        #expect(registry.read().first { $0.name == "weir_csv_report_written_files_total" }?.cells.first?.cell.current == 2)
    }
}

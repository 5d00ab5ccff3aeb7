// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import JSONLinesExporter
internal import PlainJSON
internal import Testing
internal import WeirKit

@Suite("json_lines: lines")
struct LineTests {
    @Test("a record is its attributes by name, then its counters; what is absent has no key")
    func golden() {
        let attributes = [
            SelectedAttribute(.address, .source), SelectedAttribute(.sourcePort), SelectedAttribute(.address, .destination),
            SelectedAttribute(.endpoint("k8s.namespace"), .destination), SelectedAttribute(.transport),
        ]
        let records = batch(
            attributes,
            [
                (["10.0.0.4", "54200", "10.0.0.23", "shop", "TCP"], 1357, 2),
                (["2001:db8::1", "0", nil, nil, nil], .max, 0),
            ])
        #expect(
            lines(records) == """
                {"time":"2026-01-02T03:04:05.678Z","src.address":"10.0.0.4","src.port":54200,"dst.address":"10.0.0.23","k8s.dst.namespace":"shop","transport":"TCP","bytes":1357,"packets":2}
                {"time":"2026-01-02T03:04:05.678Z","src.address":"2001:db8::1","src.port":0,"bytes":18446744073709551615,"packets":0}

                """)
    }

    @Test("no attributes are no obstacle")
    func bare() {
        #expect(lines(batch([], [([], 5, 1)])) == "{\"time\":\"2026-01-02T03:04:05.678Z\",\"bytes\":5,\"packets\":1}\n")
    }

    @Test(
        "texts are escaped where JSON, or a reader of lines, would stumble",
        arguments: [
            ("plain", #""plain""#),
            ("", #""""#),
            (#"a"b\c"#, #""a\"b\\c""#),
            ("\n\r\t\u{8}\u{0}\u{1F}", #""\n\r\t\u0008\u0000\u001f""#),
            ("\u{7F}\u{85}", #""\u007f\u0085""#),
            ("\u{2028}\u{2029}", #""\u2028\u2029""#),
            ("käse 東京 🧀", "\"käse 東京 🧀\""),
        ])
    func escaping(_ text: String, _ expected: String) {
        var bytes: [UInt8] = []
        JSONText.append(text, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test("another reader of JSON reads back exactly what went in")
    func readBack() throws {
        let hostile = (UInt32(0)...0x2100).compactMap(Unicode.Scalar.init).map(Character.init).map(String.init) + ["\"}\n{\"", "🧀", "\u{10FFFF}"]
        let records = batch([SelectedAttribute(.name, .source)], hostile.map { (["x" + $0], 1, 1) })
        let found = lines(records).utf8.split(separator: UInt8(ascii: "\n"))
        #expect(found.count == hostile.count)
        struct Line: Decodable {
            enum CodingKeys: String, CodingKey { case name = "src.name" }
            let name: String
        }
        for (line, text) in zip(found, hostile) {
            let name = try JSONDecoder().decode(Line.self, from: Data(line)).name
            #expect(Array(name.unicodeScalars) == Array(("x" + text).unicodeScalars))
        }
    }

    @Test(
        "times are RFC 3339 in UTC",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999_999_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
            (1_709_210_096_001_000_000, "2024-02-29T12:34:56.001Z"),
            (2_147_483_648_000_000_000, "2038-01-19T03:14:08.000Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z"),
            (1_798_761_599_000_000_000, "2026-12-31T23:59:59.000Z"),
        ] as [(UInt64, String)])
    func times(_ nanoseconds: UInt64, _ expected: String) {
        var bytes: [UInt8] = []
        RFC3339.append(nanoseconds: nanoseconds, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    private func lines(_ batch: RecordBatch) -> String {
        var lines = RecordLines(batch)
        var bytes: [UInt8] = []
        for row in batch.rows { lines.append(row, to: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Testing
internal import WeirKit
internal import WeirPipeline

@Suite("docs/naming.md")
struct NamingPageTests {
    private static let page = Fixtures.repository.appendingPathComponent("docs/naming.md")
    private static let begin = "writes it anew. -->\n"
    private static let end = "<!-- end of the table -->"

    /// The one table, for people.
    private static var table: String {
        let head = "| Weir | Beyla | OpenTelemetry | on by default | values |\n|---|---|---|---|---|\n"
        return head
            + NamingTable.rows.map { row in
                let names = NamingProfile.allCases.map { "`\(row[$0].at(.source))`\(row[$0].isStandIn ? " ¹" : "")" }
                let on = NamingProfile.allCases.compactMap { profile in words(row[profile].on).map { "\(profile.rawValue): \($0)" } }
                let values = NamingProfile.allCases.compactMap { profile in words(row[profile].values).map { "\(profile.rawValue): \($0)" } }
                return "| \((names + [on.joined(separator: "; "), values.joined(separator: "; ")]).joined(separator: " | ")) |\n"
            }.joined()
    }

    private static func words(_ on: NamingTable.Defaults) -> String? {
        switch on {
        case .all: "flows, zones"
        case .flows: "flows"
        case .zones: "zones"
        default: nil
        }
    }

    private static func words(_ values: NamingTable.Values) -> String? {
        switch values {
        case .same: nil
        case .lowerCase: "in small letters"
        case .noStrangers: "absent for strangers"
        }
    }

    @Test("shows the one table; RECORD=1 writes it anew")
    func table() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let begin = try #require(text.range(of: Self.begin)).upperBound
        let end = try #require(text.range(of: Self.end)).lowerBound
        if Fixtures.isRecording, text[begin..<end] != Self.table {
            try text.replacingCharacters(in: begin..<end, with: Self.table).write(to: Self.page, atomically: true, encoding: .utf8)
            return
        }
        #expect(text[begin..<end] == Self.table)
    }

    @Test("names what is left out, and nothing else")
    func leftOut() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        for (name, _) in NamingTable.leftOut where !name.hasPrefix("dst.") { #expect(text.contains("`\(name)`"), "\(name)") }
    }
}

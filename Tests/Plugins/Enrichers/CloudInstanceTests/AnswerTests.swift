// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CloudInstanceEnricher
import Testing
import WeirKit

@Suite("cloud_instance: the bytes of answers")
struct AnswerTests {
    private func read(_ text: String, _ request: MetadataRequest) -> [CloudField: String]? {
        MetadataAnswer(Array(text.utf8), to: request)?.values
    }

    @Test(
        "a text is the value without what stands around it; what nobody can mean is refused",
        arguments: [
            ("eu-west-1a", "eu-west-1a", 0), ("  eu-west-1a\r\n", "eu-west-1a", 0), ("", nil, 0), ("\n", nil, 0), ("<html>", nil, 1),
            ("404 page not found", nil, 1), ("{\"a\":1}", nil, 1), ("a\u{7}b", nil, 1), ("é", nil, 1), ("-a", nil, 1), ("a/b", nil, 1),
            (String(repeating: "a", count: 64), String(repeating: "a", count: 64), 0), (String(repeating: "a", count: 65), nil, 1),
        ] as [(String, String?, Int)])
    func text(text: String, expected: String?, refused: Int) throws {
        let answer = try #require(MetadataAnswer(Array(text.utf8), to: .text("/", .zone)))
        #expect(answer.values[.zone] == expected)
        #expect(answer.refused == refused)
    }

    @Test("bytes that are no UTF-8 are no value")
    func notUTF8() throws {
        let answer = try #require(MetadataAnswer([0x61, 0xff, 0xfe], to: .text("/", .zone)))
        #expect(answer.values.isEmpty && answer.refused == 1)
    }

    @Test(
        "a change makes the value of the text",
        arguments: [
            (.lastComponent, "projects/7/zones/us-central1-a", "us-central1-a"), (.lastComponent, "us-central1-a", "us-central1-a"),
            (.lastComponent, "a/", nil), (.behindColon, "Uocm:PHX-AD-1", "PHX-AD-1"), (.behindColon, "PHX-AD-1", "PHX-AD-1"),
            (.behindColon, "a:", nil), (.withoutLastPart, "us-central1-a", "us-central1"), (.withoutLastPart, "par1", nil),
            (.withoutLastPart, "-a", nil), (.lowercased, "EWR", "ewr"),
        ] as [(Change, String, String?)])
    func change(change: Change, text: String, expected: String?) throws {
        #expect(read(text, .text("/", .zone, change)) == expected.map { [.zone: $0] } ?? [:])
    }

    @Test("a document is read by the keys that lead to a value, wherever else the last of them stands")
    func document() throws {
        let request = MetadataRequest.json("/", [("compute.zone", .zone, .none), ("id", .hostID, .none)])
        #expect(read(#"{"zone":"x","tags":{"compute":{"zone":"y"}},"compute":{"zone":"2"},"id":7}"#, request) == [.zone: "2", .hostID: "7"])
        #expect(read(#"{"compute":{"zone":null},"id":""}"#, request) == [:])
        #expect(read(#"{"compute.zone":"x","compute":{"zone":{"a":"b"}}}"#, request) == [:])
        // Of a key that stands twice the first counts.
        #expect(read(#"{"id":"a","id":"b"}"#, request) == [.hostID: "a"])
        for text in ["", "<html>", #"{"id":"a""#, #"{"id":"a"}x"#, "eu-west-1a", String(repeating: "[", count: 60_000)] {
            #expect(read(text, request) == nil)
        }
    }

    @Test("of two keys for one field the earlier counts")
    func twoSources() {
        let request = MetadataRequest.json("/", [("zone", .zone, .none), ("location.zone_id", .zone, .none)])
        #expect(read(#"{"location":{"zone_id":"par1"},"zone":"fr-par-1"}"#, request) == [.zone: "fr-par-1"])
        #expect(read(#"{"location":{"zone_id":"par1"}}"#, request) == [.zone: "par1"])
        #expect(read(#"{"location":{"zone_id":"par1"},"zone":"<b>"}"#, request) == [.zone: "par1"])
    }

    @Test("interfaces are hardware addresses, one a line, and nothing that leads to another path")
    func interfaces() {
        let listing =
            "02:29:96:8f:6a:2d/\r\n02:29:96:8F:6a:2e\n\n../../iam/security-credentials/\n<html>\n02:29:96:8f:6a:2d:00/\n02-29-96-8f-6a-2d/\n"
        #expect(MetadataAnswer.interfaces(Array(listing.utf8)) == ["02:29:96:8f:6a:2d", "02:29:96:8F:6a:2e"])
    }

    @Test("ranges are ranges, and none of them is half the world")
    func ranges() {
        let listing = "10.0.0.0/20\n 2001:db8:a::/64 \n\n0.0.0.0/0\n::/0\n10.0.0.7/20\n<html>\n10.0.0.0/8\n"
        let (ranges, refused) = MetadataAnswer.ranges(Array(listing.utf8))
        #expect(ranges.map(\.description) == ["10.0.0.0/20", "2001:db8:a::/64", "10.0.0.0/8"] && refused == 4)
    }

    @Test("what one value needs follows from others: the region of a zone, the zone of a region, the zone's full name")
    func completed() throws {
        func completed(_ cloud: String, _ values: [CloudField: String]) throws -> [CloudField: String] {
            try #require(MetadataProvider.named(cloud)).completed(values)
        }
        #expect(try completed("gcp", [.zone: "us-central1-a"])[.region] == "us-central1")
        #expect(try completed("scaleway_cloud", [.zone: "par1"]) == [.zone: "par1"])
        #expect(try completed("azure", [.zone: "2", .region: "westeurope"])[.zone] == "westeurope-2")
        // A number alone is the zone of any region.
        #expect(try completed("azure", [.zone: "2"]) == [:])
        #expect(try completed("azure", [.region: "westeurope"]) == [.region: "westeurope"])
        #expect(try completed("vultr", [.region: "ewr"])[.zone] == "ewr")
        #expect(try completed("aws", [.region: "eu-west-1"]) == [.region: "eu-west-1"])
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CloudInstanceEnricher
internal import PlainJSON
internal import WeirKit

extension FuzzTarget {
    /// What a metadata service answers: to every request of every cloud, as a list of interfaces, and as ranges. Values are such as may
    /// be meant, stand in the answer, and are read back the same; JSON is JSON however often it is written.
    static let metadata = FuzzTarget(
        "metadata",
        words: [
            "{", "}", "[", "]", ":", ",", "\"", "\n", "null", "true", "\"compute\":", "\"location\":", "\"zone\":", "\"zone_id\":", "\"region\":",
            "\"regioncode\":", "\"availabilityDomain\":", "\"accountId\":", "\"id\":", "eu-west-1a", "projects/1/zones/us-central1-a",
            "EMIr:PHX-AD-1",
            "westeurope", "<html>", "\\u0061", "\\ud83d\\ude00", "02:29:96:8f:6a:2d/", "10.0.0.0/20", "2001:db8::/64", "0.0.0.0/0", "::/0", " ",
            "../",
        ]
    ) { (bytes) throws(BrokenLaw) in
        for provider in MetadataProvider.all {
            for request in provider.requests { try answer(bytes, request, of: provider) }
        }
        try leaves(bytes)
        for name in MetadataAnswer.interfaces(bytes) {
            try require(name.utf8.count == 17 && !name.contains("/"), "'\(name)' goes into a path")
        }
        let (ranges, refused) = MetadataAnswer.ranges(bytes)
        try require(ranges.count + refused <= bytes.count, "\(ranges.count) ranges and \(refused) refused of \(bytes.count) bytes")
        for range in ranges { try require(range.prefixLength >= (range.address.isIPv4 ? 8 : 32), "\(range) is half the world") }
        let again = MetadataAnswer.ranges(Array(ranges.map(\.description).joined(separator: "\n").utf8))
        try require(again.ranges == ranges && again.refused == 0, "\(ranges) are read back as \(again)")
    }

    private static func answer(_ bytes: [UInt8], _ request: MetadataRequest, of provider: MetadataProvider) throws(BrokenLaw) {
        guard let answer = MetadataAnswer(bytes, to: request) else { return }
        try require(answer.values.count + answer.refused <= request.sources.count, "more values than \(request.path) has")
        for (field, value) in answer.values {
            try require(field.isPlausible(value) && value == value.cleaned, "\(field) is '\(value)'")
            guard request.format == .text else { continue }
            try require(
                MetadataAnswer(Array(value.utf8), to: .text("/", field))?.values[field] == value, "'\(value)' is read back as another \(field)")
        }
        let completed = provider.completed(answer.values)
        let isKnown = Set(completed.keys).isSubset(of: provider.fields)
        try require(isKnown, "\(provider.name) says \(completed.keys), and its row does not know it")
    }

    /// Every leaf of a document, written as a list of paths and texts, is read back the same.
    private static func leaves(_ bytes: [UInt8]) throws(BrokenLaw) {
        guard let found = document(bytes) else { return }
        var written: [UInt8] = [UInt8(ascii: "[")]
        for (index, leaf) in found.enumerated() {
            if index > 0 { written.append(UInt8(ascii: ",")) }
            JSONText.append(leaf, to: &written)
        }
        written.append(UInt8(ascii: "]"))
        try require(document(written)?.map { String($0.drop { $0 != "=" }.dropFirst()) } == found, "the leaves are read back as others")
    }

    /// `path=text` of each leaf; nil when it is no JSON.
    private static func document(_ bytes: [UInt8]) -> [String]? {
        var reader = JSONReader(bytes)
        var found: [String] = []
        do throws(JSONReader.Problem) {
            try reader.leaves { (path, leaf) throws(JSONReader.Problem) in found.append("\(path.joined(separator: "."))=\(leaf.text)") }
            try reader.end("the end")
        } catch { return nil }
        return found
    }
}

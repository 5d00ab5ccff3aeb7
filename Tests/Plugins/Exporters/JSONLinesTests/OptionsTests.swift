// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import JSONLinesExporter
internal import Testing

@Suite("json_lines: options")
struct OptionsTests {
    @Test("the sample is exactly the defaults")
    func sample() {
        let (options, problems) = readOptions(JSONLinesPlugin.sample, JSONLinesOptions.self)
        #expect(options == JSONLinesOptions())
        #expect(problems.isEmpty)
    }

    @Test("an absolute path and - are taken", arguments: ["-", "/var/log/weir/flows.jsonl", "/dev/stderr"])
    func path(_ path: String) {
        #expect(readOptions("path: '\(path)'", JSONLinesOptions.self).options.path == path)
    }

    @Test("a path that depends on where somebody stood is refused", arguments: ["flows.jsonl", "./x", "~/x", "", "/var/log/"])
    func relative(_ path: String) {
        #expect(
            readOptions("path: '\(path)'", JSONLinesOptions.self).problems == [
                "weir.yaml:1:7: '\(path)' is neither - (standard output) nor an absolute path such as /var/log/weir/flows.jsonl"
            ])
    }
}

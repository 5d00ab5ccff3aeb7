// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import JSONLinesExporter
internal import Testing
internal import WeirTesting

@Suite("json_lines: options")
struct OptionsTests {
    @Test("the sample is exactly the defaults")
    func sample() {
        let (options, problems) = JSONLinesOptions.reading(JSONLinesPlugin.sample)
        #expect(options == JSONLinesOptions())
        #expect(problems.isEmpty)
    }

    @Test("an absolute path and - are taken", arguments: ["-", "/var/log/weir/flows.jsonl", "/dev/stderr"])
    func path(_ path: String) {
        #expect(JSONLinesOptions.reading("path: '\(path)'").options.path == path)
    }

    @Test("a path that depends on where somebody stood is refused", arguments: ["flows.jsonl", "./x", "~/x", "", "/var/log/"])
    func relative(_ path: String) {
        #expect(
            JSONLinesOptions.reading("path: '\(path)'").problems == [
                "weir.yaml:1:7: '\(path)' is neither - (standard output) nor an absolute path such as /var/log/weir/flows.jsonl"
            ])
    }
}

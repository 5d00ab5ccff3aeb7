// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PrometheusExporter
internal import Testing
internal import WeirTesting

@Suite("prometheus: options")
struct OptionsTests {
    @Test("the sample is exactly the defaults")
    func sample() {
        let (options, problems) = PrometheusOptions.reading(PrometheusPlugin.sample)
        #expect(options == PrometheusOptions())
        #expect(problems.isEmpty)
    }

    @Test("a path is taken as it is written")
    func path() {
        #expect(PrometheusOptions.reading("path: /metrics/zones").options.path == "/metrics/zones")
    }

    @Test("a path that no listener could answer is refused where it stands", arguments: ["metrics", "/", "/a b", "/a?b", "/ä", "http://x/"])
    func badPath(_ path: String) {
        let (options, problems) = PrometheusOptions.reading("plugin: prometheus\npath: '\(path)'")
        #expect(problems == ["weir.yaml:2:7: '\(path)' is not a path such as /metrics"])
        #expect(options == PrometheusOptions())
    }

    @Test("a misspelt key is an error with a suggestion")
    func misspelt() {
        #expect(PrometheusOptions.reading("pat: /metrics").problems == ["weir.yaml:1:1: unknown key 'pat'; did you mean 'path'?"])
    }
}

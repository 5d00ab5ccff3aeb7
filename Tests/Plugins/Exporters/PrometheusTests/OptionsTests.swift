// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PrometheusExporter
internal import Testing

@Suite("prometheus: options")
struct OptionsTests {
    @Test("the sample is exactly the defaults")
    func sample() {
        let (options, problems) = readOptions(PrometheusPlugin.sample, PrometheusOptions.self)
        #expect(options == PrometheusOptions())
        #expect(problems.isEmpty)
    }

    @Test("a path is taken as it is written")
    func path() {
        #expect(readOptions("path: /metrics/zones", PrometheusOptions.self).options.path == "/metrics/zones")
    }

    @Test("a path that no listener could answer is refused where it stands", arguments: ["metrics", "/", "/a b", "/a?b", "/ä", "http://x/"])
    func badPath(_ path: String) {
        let (options, problems) = readOptions("plugin: prometheus\npath: '\(path)'", PrometheusOptions.self)
        #expect(problems == ["weir.yaml:2:7: '\(path)' is not a path such as /metrics"])
        #expect(options == PrometheusOptions())
    }

    @Test("a misspelt key is an error with a suggestion")
    func misspelt() {
        #expect(readOptions("pat: /metrics", PrometheusOptions.self).problems == ["weir.yaml:1:1: unknown key 'pat'; did you mean 'path'?"])
    }
}

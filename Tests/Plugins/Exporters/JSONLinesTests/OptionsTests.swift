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

    @Test("rotation by size, by age, or both")
    func rotate() {
        #expect(JSONLinesOptions.reading("{ path: /f, rotate: { size: 100MiB } }").options.rotate == rotating(size: 100 << 20, keep: 7))
        let both = JSONLinesOptions.reading("{ path: /f, rotate: { size: 1MiB, age: 24h, keep: 30 } }")
        #expect(both.options.rotate == rotating(size: 1 << 20, age: .seconds(86_400), keep: 30))
        #expect(both.problems.isEmpty)
        #expect(JSONLinesOptions.reading("{ path: /f, rotate: off }").options.rotate == nil)
    }

    @Test(
        "what cannot be rotated, or when, is an error",
        arguments: [
            ("{ path: /f, rotate: { keep: 3 } }", "1:21: rotate needs a size, an age, or both"),
            ("{ path: /f, rotate: { size: 1KiB } }", "1:29: size is from 1MiB to 1024GiB"),
            ("{ path: /f, rotate: { size: big } }", "1:29: 'big' is not a size such as 64KiB or 10MiB"),
            ("{ path: /f, rotate: { age: 1s } }", "1:28: age is from 1m to 8784h"),
            ("{ path: /f, rotate: { age: 1h, keep: 0 } }", "1:38: keep is from 1 to 10000"),
            ("{ path: /f, rotate: { age: 1h, kep: 5 } }", "1:32: unknown key 'kep'; did you mean 'keep'?"),
            ("{ path: /f, rotate: daily }", "1:21: expected off or a mapping such as { size: 100MiB, age: 24h, keep: 7 }, found 'daily'"),
            ("{ path: /f, rotate: [1] }", "1:21: expected off or a mapping such as { size: 100MiB, age: 24h, keep: 7 }, found a list"),
            ("rotate: { age: 1h }", "1:9: standard output is no file that could be rotated: write the path of one, or leave 'rotate' out"),
            (
                "{ path: /dev/stdout, rotate: { age: 1h } }",
                "1:30: '/dev/stdout' is no file that could be rotated: write the path of one, or leave 'rotate' out"
            ),
            (
                "{ path: /\(String(repeating: "x", count: 231)), rotate: { age: 1h } }",
                "1:251: the name of the file is too long for a time to be added: a name has at most 255 bytes, and a time takes 25"
            ),
            ("interval: 10ms", "1:11: interval is from 1s to 24h"),
        ])
    func badRotate(_ text: String, _ problem: String) {
        #expect(JSONLinesOptions.reading(text).problems == ["weir.yaml:\(problem)"])
    }
}

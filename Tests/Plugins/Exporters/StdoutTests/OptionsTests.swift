// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import StdoutExporter
internal import Testing
internal import WeirTesting

@Suite("stdout: options")
struct OptionsTests {
    @Test("the sample is exactly the defaults")
    func sample() {
        let (options, problems) = StdoutOptions.reading(StdoutPlugin.sample)
        #expect(options == StdoutOptions())
        #expect(problems.isEmpty)
    }

    @Test("what users write is taken")
    func written() {
        let options = StdoutOptions.reading("rows: 3\ncolor: never").options
        #expect(options.rows == 3)
        #expect(options.color == .never)
    }

    @Test("what cannot be meant is refused where it stands")
    func refused() {
        #expect(
            StdoutOptions.reading("rows: 0\ncolor: sometimes\ncolour: never").problems == [
                "weir.yaml:1:7: rows is from 1 to 10000",
                "weir.yaml:2:8: 'sometimes' is not one of auto, always, never",
                "weir.yaml:3:1: unknown key 'colour'; did you mean 'color'?",
            ])
    }
}

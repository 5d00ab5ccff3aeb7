// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import StdoutExporter
internal import Testing

@Suite("stdout: options")
struct OptionsTests {
    @Test("the sample is exactly the defaults")
    func sample() {
        let (options, problems) = readOptions(StdoutPlugin.sample, StdoutOptions.self)
        #expect(options == StdoutOptions())
        #expect(problems.isEmpty)
    }

    @Test("what users write is taken")
    func written() {
        let options = readOptions("rows: 3\ncolor: never", StdoutOptions.self).options
        #expect(options.rows == 3)
        #expect(options.color == .never)
    }

    @Test("what cannot be meant is refused where it stands")
    func refused() {
        #expect(
            readOptions("rows: 0\ncolor: sometimes\ncolour: never", StdoutOptions.self).problems == [
                "weir.yaml:1:7: rows is from 1 to 10000",
                "weir.yaml:2:8: 'sometimes' is not one of auto, always, never",
                "weir.yaml:3:1: unknown key 'colour'; did you mean 'color'?",
            ])
    }
}

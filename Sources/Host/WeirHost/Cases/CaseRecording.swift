// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

extension ReadyCase {
    /// Runs the case. With `isRecording`, a case folder's expectation files are written anew with what came out: those that there are,
    /// or, in a folder that expects nothing yet, one for each kind of exporter. The names of files that changed.
    func run(isRecording: Bool) async throws(SystemError) -> (differences: [String], written: [String]) {
        guard isRecording, let folder = test.folder else { return (await runner.run(test).differences, []) }
        let isNew = test.expected.isEmpty
        var asked = test
        // What is being written is not compared.
        asked.expected.recordLines = nil
        asked.expected.page = nil
        let outcome = await runner.run(asked, recordsAll: true)
        var written: [String] = []
        if outcome.differences.isEmpty || !isNew {
            let records = isNew ? !runner.configuration.recordExporters.isEmpty : test.expected.recordLines != nil
            let page = isNew ? !runner.configuration.metricExporters.isEmpty : test.expected.page != nil
            if records, outcome.records != test.expected.recordLines ?? [0] { try write(outcome.records, "out.jsonl", folder, &written) }
            if page, outcome.page != test.expected.page ?? [0] { try write(outcome.page, "out.prom", folder, &written) }
        }
        return (outcome.differences, written)
    }

    private func write(_ bytes: [UInt8], _ name: String, _ folder: String, _ written: inout [String]) throws(SystemError) {
        let path = FilePath.join(folder, name)
        try SystemFile.write(bytes, to: path)
        written.append(path)
    }
}

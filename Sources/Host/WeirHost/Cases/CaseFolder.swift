// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WeirKit
internal import YAMLSource

/// A case with what it runs in.
struct ReadyCase: Sendable {
    let test: TestCase
    let runner: CaseRunner
}

/// Cases that are folders, or stand in the configuration, found and read; what is wrong with any of them is in `report`.
struct CaseSuite: Sendable {
    private static let inputs = ["in.jsonl", "in.pcap", "in.pcapng"]
    private static let known = ["config.yaml", "case.yaml", "answers.yaml", "out.jsonl", "out.prom"] + inputs

    private(set) var cases: [ReadyCase] = []
    /// Problems as the user sees them; whole lines.
    private(set) var report = ""
    private(set) var problemCount = 0
    let plugins: [PluginEntry]
    /// Expectations are to be written, so they may be missing.
    let isRecording: Bool

    /// The cases of a configuration and those in folders beside it. `folder` nil: `tests` beside the configuration, where there is one.
    init(configuration path: String?, folder: String?, plugins: [PluginEntry], isRecording: Bool) {
        self.init(plugins: plugins, isRecording: isRecording)
        let loader = ConfigurationLoader.offline(path, plugins)
        guard let (configuration, files) = load(loader) else { return }
        let runner = CaseRunner(configuration: configuration, files: files, loader: loader)
        cases += configuration.tests.map { ReadyCase(test: $0, runner: runner) }
        let place = path ?? ConfigDirectory.standard
        let isFolder = (try? FileStatus(of: place).kind) == .folder
        let beside = folder ?? FilePath.join(isFolder ? place : FilePath.folder(of: place), "tests")
        do throws(SystemError) {
            for name in try SystemFile.names(in: beside) where !name.hasPrefix(".") {
                let inner = FilePath.join(beside, name)
                if try FileStatus(of: inner).kind == .folder { open(inner, name: name, in: runner) }
            }
        } catch {
            // Nobody has to have such a folder; one that is there and cannot be read is another thing.
            if folder != nil || error.code != ENOENT { note("\(beside): could not be read: \(error)\n") }
        }
    }

    private init(plugins: [PluginEntry], isRecording: Bool) {
        self.plugins = plugins
        self.isRecording = isRecording
    }

    /// One case folder alone, with its own config.yaml.
    init(only folder: String, name: String, plugins: [PluginEntry], isRecording: Bool) {
        self.init(plugins: plugins, isRecording: isRecording)
        open(folder, name: name, in: nil)
    }

    private mutating func note(_ text: String, count: Int = 1) {
        report += text
        problemCount += count
    }

    private mutating func load(_ loader: ConfigurationLoader) -> (Configuration, ConfigFiles)? {
        switch loader.load() {
        case .good(let configuration, let files):
            loader.forgetOwnMetrics(of: configuration)
            return (configuration, files)
        case .bad(let problems, let texts):
            note(ProblemReport.text(problems, texts), count: problems.count)
            return nil
        }
    }

    /// A folder's case, and the cases of its own configuration.
    private mutating func open(_ folder: String, name: String, in outer: CaseRunner?) {
        let names: [String]
        do { names = try SystemFile.names(in: folder) } catch { return note("\(folder): could not be read: \(error)\n") }
        for file in names where !Self.known.contains(file) && (file.hasPrefix("in.") || file.hasPrefix("out.") || file.hasSuffix(".yaml")) {
            note(
                "\(FilePath.join(folder, file)): no file of a case\(Suggestion.suffix(for: file, among: Self.known)); known are \(Self.known.joined(separator: ", "))\n"
            )
        }
        var runner = outer
        if names.contains("config.yaml") {
            let loader = ConfigurationLoader.offline(FilePath.join(folder, "config.yaml"), plugins)
            guard let (configuration, files) = load(loader) else { return }
            let own = CaseRunner(configuration: configuration, files: files, loader: loader)
            runner = own
            for test in configuration.tests {
                var test = test
                test.name = "\(name)/\(test.name)"
                cases.append(ReadyCase(test: test, runner: own))
            }
        }
        guard let runner else { return note("\(folder): 'config.yaml' is missing in it\n") }
        let inputs = names.filter(Self.inputs.contains)
        let isCase = !inputs.isEmpty || names.contains("case.yaml")
        guard isCase else {
            if runner.configuration.tests.isEmpty || !names.contains("config.yaml") {
                note("\(folder): nothing comes in: it has neither \(Self.inputs.joined(separator: ", ")) nor case.yaml\n")
            }
            return
        }
        if inputs.count > 1 { return note("\(folder): two inputs, \(inputs.joined(separator: " and ")): a case has one\n") }
        if let test = read(folder, name, names, inputs.first, runner) { cases.append(ReadyCase(test: test, runner: runner)) }
    }

    private mutating func read(_ folder: String, _ name: String, _ names: [String], _ input: String?, _ runner: CaseRunner) -> TestCase? {
        let problems = ConfigProblems()
        let texts = SourceTexts()
        let reader = TestReader(runner.configuration, problems: problems, files: ReferencedFiles.reader(trust: nil, texts: texts))
        func tree(_ file: String) -> ConfigNode? {
            let path = FilePath.join(folder, file)
            guard names.contains(file), let bytes = bytes(path, problems) else { return nil }
            texts.keep(bytes, as: path)
            return YAMLSource.parse(bytes, file: path, problems: problems)
        }
        let start = ConfigPosition(file: folder, line: 1, column: 1)
        var test = TestCase(name: name, position: start)
        if let node = tree("case.yaml"), let found = reader.read(node, name: name) { test = found }
        test.folder = folder
        if let node = tree("answers.yaml") { test.answers += reader.read(answers: node) }
        func content(_ file: String) -> [UInt8]? { names.contains(file) ? bytes(FilePath.join(folder, file), problems) : nil }
        if let input {
            if case .flows(let flows) = test.input, flows.isEmpty {
                if let bytes = content(input) { test.input = .file(bytes, name: FilePath.join(folder, input)) }
            } else {
                problems.note(.conflict, "the case has flows in case.yaml and in \(input): one of them is enough", at: start)
            }
        }
        test.expected.recordLines = content("out.jsonl")
        test.expected.page = content("out.prom")
        if test.expected.isEmpty, !isRecording, problems.count == 0 {
            problems.note(
                .missingKey, "the case expects nothing: write out.jsonl, out.prom, or 'expect' in case.yaml; --record writes the files", at: start)
        }
        if problems.count == 0 { return test }
        note(ProblemReport.text(problems.all, texts), count: problems.count)
        return nil
    }

    private func bytes(_ path: String, _ problems: ConfigProblems) -> [UInt8]? {
        do { return try SystemFile.read(path, limit: ReferencedFiles.limit) } catch {
            problems.note(.unreadable, "could not be read: \(error)", at: ConfigPosition(file: path, line: 1, column: 1))
            return nil
        }
    }
}

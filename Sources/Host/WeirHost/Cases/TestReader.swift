// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline

/// Reads `tests:` and the files of case folders, as strictly as the rest of the configuration.
struct TestReader {
    /// What cases may speak of.
    let catalog: Catalog
    let stages: [String]
    let metrics: [MetricDefinition]
    /// What records carry: the first record exporter's attributes.
    let recordAttributes: [SelectedAttribute]
    let window: Duration
    let problems: ConfigProblems
    let files: ConfigFiles

    init(_ configuration: Configuration, problems: ConfigProblems, files: ConfigFiles) {
        catalog = configuration.catalog
        stages = configuration.enrichers.map(\.name)
        metrics = configuration.metrics
        recordAttributes = configuration.firstRecords.attributes
        window = configuration.capture.window
        self.problems = problems
        self.files = files
    }

    /// The cases of `tests:`.
    func readAll(_ node: ConfigNode) -> [TestCase] {
        guard case .list(let items) = node.content else {
            if node.text != "" { problems.note(.wrongShape, "expected a list of cases, found \(node.kindName)", at: node.position) }
            return []
        }
        var known: [String: ConfigPosition] = [:]
        return items.compactMap { item in
            guard let found = read(item, name: nil) else { return nil }
            if let first = known.updateValue(found.position, forKey: found.name) {
                problems.note(.duplicateName, "another case is called '\(found.name)', at \(first)", at: found.position)
            }
            if found.expected.isEmpty {
                problems.note(.missingKey, "the case '\(found.name)' expects nothing: 'expect' is missing here", at: item.position)
            }
            return found
        }
    }

    /// One case; `name` for a case folder, whose case.yaml need not say it.
    func read(_ node: ConfigNode, name: String?) -> TestCase? {
        guard var section = ConfigSection(node, problems: problems, files: files) else { return nil }
        var found = TestCase(name: name ?? "", position: node.position)
        if name == nil {
            if let node = section.take("name") {
                found.position = node.position
                section.scalar(node).map { found.name = $0 }
                if found.name.isEmpty { problems.note(.badValue, "a case needs a name of its own", at: node.position) }
            } else {
                section.missing("name")
            }
        }
        section.read("local", into: &found.local)
        let flows = section.take("flows")
        if let node = section.take("file"), let path: String = section.scalar(node) {
            if flows != nil { problems.note(.conflict, "a case has 'flows' or a 'file', not both", at: node.position) }
            do {
                found.input = .file(try files.read(path, from: node.position), name: path)
            } catch {
                problems.note(.unreadable, "\(error)", at: node.position)
            }
        } else if let flows {
            found.input = .flows(read(flows: flows, of: found))
        } else if name == nil {
            section.missing("flows")
        }
        if let node = section.take("answers") { found.answers = read(answers: node) }
        if let node = section.take("expect") { found.expected = read(expect: node) }
        _ = section.finish()
        return found
    }

    /// A mapping's entries; nil with the problem noted.
    func entries(_ node: ConfigNode, _ expected: String) -> [ConfigNode.Entry]? {
        switch node.content {
        case .mapping(let entries): return entries
        case .scalar(""): return []
        default:
            problems.note(.wrongShape, "expected \(expected), found \(node.kindName)", at: node.position)
            return nil
        }
    }

    /// A scalar's text; nil with the problem noted.
    func text(_ node: ConfigNode, _ expected: String = "a text") -> String? {
        if node.text == nil { problems.note(.wrongShape, "expected \(expected), found \(node.kindName)", at: node.position) }
        return node.text
    }

    func number(_ node: ConfigNode) -> UInt64? {
        guard let text = text(node, "a whole number such as 1357") else { return nil }
        guard let number = UInt64(text) else {
            problems.note(.badValue, "'\(text)' is not a whole number such as 1357", at: node.position)
            return nil
        }
        return number
    }
}

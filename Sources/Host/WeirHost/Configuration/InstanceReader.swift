// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// One item of `enrich` or `export` while it is being read: first the keys that every instance has, then the plugin's own.
struct InstanceReader {
    /// An item before its plugin is known.
    struct Draft: Sendable {
        let node: ConfigNode
        /// From a file name of `plugins.d`.
        var name: String?
    }

    /// What is written of every instance.
    static let ownKeys = ["plugin", "name", "enabled"]

    let plugins: [PluginEntry]
    let problems: ConfigProblems
    let files: ConfigFiles
    /// Where each name was first given.
    private var taken: [String: ConfigPosition] = [:]

    /// An item whose host keys are read and whose plugin is known.
    struct Opened {
        let entry: PluginEntry
        let name: String
        let isEnabled: Bool
        let node: ConfigNode
        let readings = FileReadings()

        /// What the plugin has still to read. Opened anew for every build: a section counts the problems since it was
        /// opened, and those of other instances are not this one's.
        func section(_ problems: ConfigProblems, _ files: ConfigFiles) -> ConfigSection {
            let files = readings.noting(files)
            guard case .mapping = node.content, var section = ConfigSection(node, problems: problems, files: files) else {
                return ConfigSection(at: node.position, problems: problems, files: files)
            }
            for key in InstanceReader.ownKeys { _ = section.take(key) }
            return section
        }
    }

    init(plugins: [PluginEntry], problems: ConfigProblems, files: ConfigFiles) {
        self.plugins = plugins
        self.problems = problems
        self.files = files
    }

    /// Reads `plugin`, `name` and `enabled`; nil with the problem noted.
    /// `kind` is nil for a file of `plugins.d`, which stands where its plugin belongs.
    mutating func open(_ draft: Draft, as kind: PluginKind?) -> Opened? {
        var section: ConfigSection
        let written: ConfigNode
        if draft.node.text?.isEmpty == false {
            written = draft.node
            section = ConfigSection(at: draft.node.position, problems: problems, files: files)
        } else {
            guard let found = ConfigSection(draft.node, problems: problems, files: files) else { return nil }
            section = found
            guard let node = section.take("plugin") else {
                section.missing("plugin")
                return nil
            }
            written = node
        }
        guard let plugin: String = section.scalar(written), let entry = entry(plugin, written.position, kind) else { return nil }
        var isEnabled = true
        section.read("enabled", into: &isEnabled)
        var name = draft.name.flatMap { InstanceName(configText: $0) } ?? InstanceName(entry.name)
        var namePosition = written.position
        if let node = section.take("name") {
            if let found: InstanceName = section.scalar(node) { name = found }
            namePosition = node.position
        }
        if isEnabled {
            if let first = taken[name.text] {
                let message = "another instance is called '\(name.text)', at \(first); give this one a name of its own, such as name: \(name.text)_2"
                problems.note(.duplicateName, message, at: namePosition)
                return nil
            }
            taken[name.text] = namePosition
        }
        return Opened(entry: entry, name: name.text, isEnabled: isEnabled, node: draft.node)
    }

    /// Whether a written item has this name.
    func isTaken(_ name: String) -> Bool { taken[name] != nil }

    private func entry(_ name: String, _ position: ConfigPosition, _ kind: PluginKind?) -> PluginEntry? {
        guard let entry = plugins.first(where: { $0.name == name }) else {
            let known = plugins.filter { kind == nil || $0.kind == kind }.map(\.name)
            let hint = Suggestion.suffix(for: name, among: known)
            let list = hint.isEmpty ? "; known are \(known.sorted().joined(separator: ", "))" : hint
            problems.note(.unknownPlugin, "unknown plugin '\(name)'\(list)", at: position)
            return nil
        }
        if let kind, entry.kind != kind {
            let article = entry.kind == .export ? "an exporter" : "an enricher"
            problems.note(.wrongKind, "'\(name)' is \(article): it stands under '\(entry.kind.rawValue)', not under '\(kind.rawValue)'", at: position)
            return nil
        }
        return entry
    }
}

/// What an instance is called in logs, metrics and messages.
struct InstanceName: ConfigValue, Hashable {
    let text: String

    init(_ plugin: String) { text = plugin }

    init?(configText: String) {
        let isPlain = configText.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard (1...64).contains(configText.utf8.count), isPlain else { return nil }
        text = configText
    }

    static var example: String { "a name such as payments_log: letters, digits, _ - and ., 64 at the most" }
    var configText: String { text }
}

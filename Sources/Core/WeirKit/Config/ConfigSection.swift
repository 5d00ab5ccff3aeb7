// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A mapping of the configuration while it is being read: keys are taken out, problems noted, and `finish` says
/// which keys nobody asked for.
public struct ConfigSection {
    public let position: ConfigPosition
    public let problems: ConfigProblems
    /// Reads a file that the configuration names, by its path as written; throws a sentence for people.
    public let files: ConfigFiles
    private var entries: [ConfigNode.Entry]
    private var asked: [String] = []
    private let problemsBefore: Int

    /// A section over nothing: every option keeps its default.
    public init(at position: ConfigPosition, problems: ConfigProblems, files: ConfigFiles) {
        self.position = position
        self.problems = problems
        self.files = files
        entries = []
        problemsBefore = problems.count
    }

    /// Nil, with a problem noted, when `node` is not a mapping. An empty value is an empty mapping.
    public init?(_ node: ConfigNode, problems: ConfigProblems, files: ConfigFiles) {
        self.init(at: node.position, problems: problems, files: files)
        switch node.content {
        case .mapping(let entries): self.entries = entries
        case .scalar(""): break
        default:
            problems.note(.wrongShape, "expected a mapping of keys to values, found \(node.kindName)", at: node.position)
            return nil
        }
    }

    public func note(_ kind: ConfigProblem.Kind, _ message: String, at position: ConfigPosition) {
        problems.note(kind, message, at: position)
    }

    /// Takes the value of `key` out of the section; nil when it is not written.
    public mutating func take(_ key: String) -> ConfigNode? {
        asked.append(key)
        guard let index = entries.firstIndex(where: { $0.key.text == key }) else { return nil }
        return entries.remove(at: index).value
    }

    /// Everything not yet taken, for sections whose keys users choose.
    public mutating func takeRest() -> [ConfigNode.Entry] {
        defer { entries = [] }
        return entries
    }

    /// Reads `key` if present, else leaves `value` at its default. Problems are noted, not thrown, so that the user
    /// sees all of them at once.
    public mutating func read<T: ConfigValue>(_ key: String, into value: inout T) {
        if let node = take(key), let found: T = scalar(node) { value = found }
    }

    public mutating func read<T: ConfigValue>(_ key: String, into value: inout T?) {
        if let node = take(key), let found: T = scalar(node) { value = found }
    }

    public mutating func read<T: ConfigValue & Comparable>(_ key: String, into value: inout T, in range: ClosedRange<T>) {
        guard let node = take(key), let found: T = scalar(node) else { return }
        guard range.contains(found) else {
            return note(
                .outOfRange, "\(key) is from \(range.lowerBound.configText) to \(range.upperBound.configText)", at: node.position)
        }
        value = found
    }

    /// The same for an option without a default.
    public mutating func read<T: ConfigValue & Comparable>(_ key: String, into value: inout T?, in range: ClosedRange<T>) {
        var found = range.lowerBound
        let isWritten = entries.contains { $0.key.text == key }
        let before = problems.count
        read(key, into: &found, in: range)
        if isWritten, problems.count == before { value = found }
    }

    /// Reads a list of scalars; a single scalar is a list of one.
    public mutating func read<T: ConfigValue>(_ key: String, into values: inout [T]) {
        guard let node = take(key) else { return }
        values = list(node).compactMap { scalar($0) }
    }

    /// The mapping under `key`; nil when it is not written, or is no mapping (noted).
    public mutating func section(_ key: String) -> ConfigSection? {
        guard let node = take(key) else { return nil }
        return ConfigSection(node, problems: problems, files: files)
    }

    /// The items of a list; a value that is no list is its only item.
    public func list(_ node: ConfigNode) -> [ConfigNode] {
        switch node.content {
        case .list(let items): items
        case .scalar(""): []
        default: [node]
        }
    }

    /// One value of type `T`; a problem is noted where it is none.
    public func scalar<T: ConfigValue>(_ node: ConfigNode) -> T? {
        guard let text = node.text else {
            note(.wrongShape, "expected \(T.example), found \(node.kindName)", at: node.position)
            return nil
        }
        guard let value = T(configText: text) else {
            note(.badValue, "'\(text)' is not \(T.example)", at: node.position)
            return nil
        }
        return value
    }

    /// Notes that `key` must be written.
    public func missing(_ key: String) {
        note(.missingKey, "'\(key)' is missing here", at: position)
    }

    /// Notes the keys that nobody asked for; true when the whole section was without problems.
    public mutating func finish() -> Bool {
        for entry in takeRest() {
            guard let key = entry.key.text else {
                note(.wrongShape, "expected a key, found \(entry.key.kindName)", at: entry.key.position)
                continue
            }
            note(.unknownKey, "unknown key '\(key)'\(Suggestion.suffix(for: key, among: asked))", at: entry.key.position)
        }
        return problems.count == problemsBefore
    }
}

/// How readers open the files that a configuration names.
public struct ConfigFiles: Sendable {
    public typealias Load = @Sendable (String, ConfigPosition) throws(ConfigFileError) -> [UInt8]

    private let load: Load
    private let loadFollowed: Load

    public init(_ load: @escaping Load) { self.init(load, followed: load) }

    package init(_ load: @escaping Load, followed: @escaping Load) {
        self.load = load
        loadFollowed = followed
    }

    /// The same files, for a stage that reads them again while it runs and can then take whatever they hold: a file that is read through
    /// this may change without the instance being another one. What is read through `self` is part of what an instance is made from, and
    /// a reload that finds it changed makes the instance anew.
    public var followed: ConfigFiles { ConfigFiles(loadFollowed) }

    /// The bytes of the file at `path`, relative to the file in which `path` was written.
    public func read(_ path: String, from position: ConfigPosition) throws(ConfigFileError) -> [UInt8] { try load(path, position) }

    /// For tests and for plugins that read none.
    public static let none = ConfigFiles { (path, _) throws(ConfigFileError) in throw ConfigFileError("'\(path)' cannot be read here") }
}

/// Why a file could not be read: a sentence for people.
public struct ConfigFileError: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

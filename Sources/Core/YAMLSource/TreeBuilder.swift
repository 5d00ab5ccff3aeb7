// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Builds the tree from events, and refuses what a configuration does not need.
struct TreeBuilder: ~Copyable {
    /// The problem that ends the reading of a file.
    struct Stop: Error {
        let kind: ConfigProblem.Kind
        let message: String
        let position: ConfigPosition
    }

    private let bytes: [UInt8]
    private let file: String
    private let problems: ConfigProblems
    private var reader: EventReader

    init(_ bytes: [UInt8], file: String, problems: ConfigProblems) {
        self.bytes = bytes
        self.file = file
        self.problems = problems
        reader = EventReader(bytes)
    }

    /// The one document of the file; nil when there is none.
    mutating func document() throws(Stop) -> ConfigNode? {
        var root: ConfigNode?
        while true {
            let event = try next()
            switch event.kind {
            case .streamEnd: return root
            case .documentStart:
                if event.hasDirective { throw refuse("a line that begins with %", event) }
                if root != nil { throw refuse("a second document", event) }
                let first = try next()
                // What stands behind `---` alone is an empty file too.
                let isEmpty = first.kind == .scalar && first.isPlain && first.text.isEmpty
                let node = try node(first, level: 1)
                root = isEmpty ? ConfigNode(.mapping([]), at: node.position) : node
            default: continue
            }
        }
    }

    private mutating func node(_ event: EventReader.Event, level: Int) throws(Stop) -> ConfigNode {
        if event.hasAnchor { throw refuse("an anchor (&)", event) }
        if event.hasTag { throw refuse("a tag (!)", event) }
        if event.kind != .scalar, level > YAMLSource.maxLevels {
            throw Stop(kind: .tooDeep, message: "more than \(YAMLSource.maxLevels) levels of lists and mappings", position: position(event))
        }
        switch event.kind {
        case .scalar:
            let isNull = event.isPlain && ["~", "null", "Null", "NULL"].contains(event.text)
            return ConfigNode(.scalar(isNull ? "" : event.text), at: position(event))
        case .listStart:
            return ConfigNode(.list(try items(level: level)), at: position(event))
        case .mappingStart:
            return ConfigNode(.mapping(try entries(level: level)), at: position(event))
        case .alias: throw refuse("an alias (*)", event)
        default: preconditionFailure("libyaml ended a node before it began")
        }
    }

    private mutating func items(level: Int) throws(Stop) -> [ConfigNode] {
        var items: [ConfigNode] = []
        while true {
            let event = try next()
            if event.kind == .listEnd { return items }
            items.append(try node(event, level: level + 1))
        }
    }

    private mutating func entries(level: Int) throws(Stop) -> [ConfigNode.Entry] {
        var entries: [ConfigNode.Entry] = []
        var seen: [String: ConfigPosition] = [:]
        while true {
            let event = try next()
            if event.kind == .mappingEnd { return entries }
            let key = try key(event)
            let value = try node(try next(), level: level + 1)
            if let first = seen[event.text] {
                let message = "'\(event.text)' stands here twice; the first is on line \(first.line), column \(first.column)"
                problems.note(.duplicateKey, message, at: key.position)
            } else {
                seen[event.text] = key.position
                entries.append(ConfigNode.Entry(key: key, value: value))
            }
        }
    }

    /// A key is a scalar taken as it is written: `null` and `~` are names there.
    private func key(_ event: EventReader.Event) throws(Stop) -> ConfigNode {
        if event.hasAnchor { throw refuse("an anchor (&)", event) }
        if event.hasTag { throw refuse("a tag (!)", event) }
        if event.kind == .alias { throw refuse("an alias (*)", event) }
        guard event.kind == .scalar else { throw refuse("a list or mapping as a key", event) }
        if event.isPlain, event.text == "<<" { throw refuse("a merge key (<<)", event) }
        return ConfigNode(.scalar(event.text), at: position(event))
    }

    private mutating func next() throws(Stop) -> EventReader.Event {
        do {
            return try reader.next()
        } catch {
            let place = SyntaxMessage.place(error, file: file, in: bytes)
            throw Stop(kind: .syntax, message: SyntaxMessage.text(error, at: place, in: bytes), position: place)
        }
    }

    private func refuse(_ what: String, _ event: EventReader.Event) -> Stop {
        Stop(kind: .notPlainYAML, message: "\(what) is not used here: write the value out", position: position(event))
    }

    private func position(_ event: EventReader.Event) -> ConfigPosition {
        ConfigPosition(file: file, line: event.line, column: event.column)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// One instance as its plugin made it, with what it was made from: so a later configuration can tell whether it goes on.
///
/// A class because it is one thing over many configurations: who holds the same one holds the same stage.
package final class MadeInstance: Sendable {
    package let name: String
    let stage: BuiltStage
    /// Of the configuration in which it was made; its paths are claimed again in each that it goes on in.
    let routes: HTTPRoutes
    /// What it tells of this host.
    let resource: ResourceFacts
    private let origin: Origin

    init(name: String, stage: BuiltStage, routes: HTTPRoutes, resource: ResourceFacts, origin: Origin) {
        self.name = name
        self.stage = stage
        self.routes = routes
        self.resource = resource
        self.origin = origin
    }

    /// Whether `next` would make the same again.
    func isSame(as next: Origin) -> Bool { origin.isSame(as: next) }

    /// What an instance is made from.
    struct Origin: Sendable {
        let plugin: String
        let kind: PluginKind
        /// All that was written, without the places.
        let section: SectionText
        /// Those keys of it that the host reads.
        let hostKeys: SectionText
        /// The plugin's own options, defaults included.
        let options: ReadOptions
        let files: [FileReading]

        func isSame(as next: Origin) -> Bool {
            guard plugin == next.plugin, kind == next.kind, files == next.files else { return false }
            // Options may remember where they were written, and a default may be written out: either way of being the same will do.
            return section == next.section || hostKeys == next.hostKeys && options.isSame(as: next.options)
        }
    }
}

/// A piece of configuration without the places at which it stood, after variables were filled in.
struct SectionText: Sendable, Equatable {
    private indirect enum Content: Sendable, Equatable {
        case scalar(String)
        case list([Content])
        case mapping([Entry])
    }

    private struct Entry: Sendable, Equatable {
        let key: Content
        let value: Content
    }

    private let entries: [Entry]

    /// The entries of a mapping whose keys are wanted, in the order in which they are written; a scalar has none.
    init(_ node: ConfigNode, where isWanted: (String) -> Bool) {
        guard case .mapping(let entries) = node.content else {
            self.entries = []
            return
        }
        self.entries = entries.filter { isWanted($0.key.text ?? "") }.map(Self.entry)
    }

    private static func entry(_ entry: ConfigNode.Entry) -> Entry { Entry(key: content(entry.key), value: content(entry.value)) }

    private static func content(_ node: ConfigNode) -> Content {
        switch node.content {
        case .scalar(let text): .scalar(text)
        case .list(let items): .list(items.map(content))
        case .mapping(let entries): .mapping(entries.map(entry))
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import KubernetesClient

/// Where nodes are, by name. Plain state; clocks and locks are the caller's.
///
/// A node that is gone is remembered for the grace period, since pods that ran on it are too. Law: lists may be cut and read
/// again, and a node may be made anew under its old name; the same nodes lead to the same places.
package struct NodePlaces: Sendable {
    package static let zoneLabels = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"]
    package static let regionLabels = ["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"]
    package static var labels: [String] { zoneLabels + regionLabels }
    /// Seconds.
    package static let grace = 120.0

    package struct Place: Sendable, Equatable {
        /// Nil where no label tells.
        package var zone: String?
        package var region: String?
    }

    private struct Entry: Sendable {
        var uid: String
        var place: Place
        var mark: UInt32
        /// By a clock that nobody sets; nil while it is there.
        var goneAt: Double?
    }

    private var nodes: [String: Entry] = [:]
    private var list: UInt32 = 0
    private var goneCount = 0

    package init() {}

    /// Those that are there.
    package var count: Int { nodes.count - goneCount }

    package subscript(name: String) -> Place? { nodes[name]?.place }

    package mutating func beginList() { list &+= 1 }

    /// The name of the node when what is known of it changed.
    package mutating func put(_ object: PartialObject) -> String? {
        let labels = object.meta.labels
        func first(_ names: [String]) -> String? { names.lazy.compactMap { labels[$0] }.first { !$0.isEmpty } }
        let place = Place(zone: first(Self.zoneLabels), region: first(Self.regionLabels))
        let before = nodes.updateValue(Entry(uid: object.meta.uid, place: place, mark: list), forKey: object.meta.name)
        if before?.goneAt != nil { goneCount -= 1 }
        return before?.place == place ? nil : object.meta.name
    }

    /// The node is gone, unless its name is another's by now.
    package mutating func delete(_ identity: ObjectIdentity, at time: Double) {
        guard let entry = nodes[identity.name], entry.uid == identity.uid, entry.goneAt == nil else { return }
        end(identity.name, at: time)
    }

    /// The list was read to its end: what it did not name is gone.
    package mutating func endList(at time: Double) {
        for (name, entry) in nodes where entry.goneAt == nil && entry.mark != list { end(name, at: time) }
    }

    private mutating func end(_ name: String, at time: Double) {
        nodes[name]?.goneAt = time
        goneCount += 1
    }

    /// The names of nodes that are forgotten now.
    package mutating func forget(at time: Double) -> [String] {
        guard goneCount > 0 else { return [] }
        let over = nodes.filter { $0.value.goneAt.map { time - $0 > Self.grace } ?? false }.map(\.key)
        for name in over { nodes[name] = nil }
        goneCount -= over.count
        return over
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What a fake API server holds: objects, and the history of their changes, by one counter of versions for all, like etcd.
package struct FakeCluster: Sendable {
    struct Change: Sendable {
        var version: Int
        /// What was there before; nil for an object that is new.
        var old: FakeObject?
        /// What is there now; nil for one that was deleted, whose last state then has the version of the deletion.
        var new: FakeObject?
    }

    private struct Snapshot: Sendable {
        var version: Int
        var objects: [FakeObject]
    }

    package private(set) var version = 1000
    /// Versions below this are forgotten: watches from there get 410.
    package private(set) var compacted = 1000
    package private(set) var resources = FakeResource.builtIn
    private var objects: [FakeResource: [String: FakeObject]] = [:]
    private var history: [FakeResource: [Change]] = [:]
    /// Lists that are read in pages, by the number in their tokens.
    private var snapshots: [Int: Snapshot] = [:]
    private var lastSnapshot = 0

    package init() {}

    /// A resource without objects: the definition of a custom one.
    package mutating func define(_ resource: FakeResource) { resources.insert(resource) }

    /// Takes a resource away with all its objects; who watches it learns nothing more.
    package mutating func undefine(_ resource: FakeResource) {
        resources.remove(resource)
        objects[resource] = nil
        history[resource] = nil
    }

    /// Adds or changes an object.
    package mutating func put(_ object: FakeObject) {
        version += 1
        var object = object
        object.version = version
        resources.insert(object.resource)
        let old = objects[object.resource, default: [:]].updateValue(object, forKey: object.key)
        // One of the same name and another uid is another object: its predecessor went first.
        if let old, old.uid != object.uid {
            history[object.resource, default: []].append(Change(version: version, old: old, new: nil))
            version += 1
            object.version = version
            objects[object.resource]?[object.key] = object
            history[object.resource, default: []].append(Change(version: version, old: nil, new: object))
        } else {
            history[object.resource, default: []].append(Change(version: version, old: old, new: object))
        }
    }

    /// False when there is none.
    @discardableResult package mutating func delete(_ resource: FakeResource, namespace: String, name: String) -> Bool {
        guard let old = objects[resource]?.removeValue(forKey: "\(namespace)/\(name)") else { return false }
        version += 1
        history[resource, default: []].append(Change(version: version, old: old, new: nil))
        return true
    }

    /// Forgets all changes up to now, and the lists that are being read: what etcd does every five minutes.
    package mutating func compact() {
        compacted = version
        for resource in Array(history.keys) { history[resource] = [] }
        snapshots = [:]
    }

    /// A change of something else: versions go on, these objects do not.
    package mutating func pass() { version += 1 }

    package func all(_ resource: FakeResource) -> [FakeObject] { objects[resource].map { Array($0.values) } ?? [] }
    package func count(_ resource: FakeResource) -> Int { objects[resource]?.count ?? 0 }
    package func object(_ resource: FakeResource, namespace: String, name: String) -> FakeObject? { objects[resource]?["\(namespace)/\(name)"] }

    /// What is there, in the order of names, that `selection` wants.
    package func list(_ resource: FakeResource, _ selection: FakeSelection) -> [FakeObject] {
        all(resource).filter(selection.wants).sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
    }

    /// Keeps `objects` for the pages that follow; the number goes into their tokens.
    mutating func keep(_ objects: [FakeObject]) -> Int {
        lastSnapshot += 1
        snapshots[lastSnapshot] = Snapshot(version: version, objects: objects)
        // The oldest goes: nobody reads so many at once.
        if snapshots.count > 64 { snapshots[snapshots.keys.min() ?? 0] = nil }
        return lastSnapshot
    }

    /// A list that is read in pages; nil when its token is too old.
    func kept(_ number: Int) -> (version: Int, objects: [FakeObject])? { snapshots[number].map { ($0.version, $0.objects) } }

    /// The changes behind `version` that a watch of `selection` sees, as lines; nil when they are forgotten.
    func events(_ resource: FakeResource, after version: Int, _ selection: FakeSelection, metadataOnly: Bool) -> (lines: [[UInt8]], version: Int)? {
        guard version >= compacted else { return nil }
        var lines: [[UInt8]] = []
        let changes = history[resource] ?? []
        // Sorted by version: the first that is newer.
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].version > version { high = middle } else { low = middle + 1 }
        }
        for change in changes[low...] {
            let had = change.old.map(selection.wants) ?? false
            let has = change.new.map(selection.wants) ?? false
            let type: String
            var object: FakeObject?
            switch (had, has) {
            case (false, true): (type, object) = ("ADDED", change.new)
            case (true, true): (type, object) = ("MODIFIED", change.new)
            case (true, false):
                (type, object) = ("DELETED", change.old)
                object?.version = change.version
            case (false, false): continue
            }
            var line = Array("{\"type\":\"\(type)\",\"object\":".utf8)
            object?.write(metadataOnly: metadataOnly, to: &line)
            line += "}\n".utf8
            lines.append(line)
        }
        return (lines, self.version)
    }
}

/// Which objects a question is about.
package struct FakeSelection: Sendable {
    package var namespace: String?
    package var labels: [String: String] = [:]
    package var fields: [String: String] = [:]

    package init(namespace: String? = nil) { self.namespace = namespace }

    package func wants(_ object: FakeObject) -> Bool {
        if let namespace, object.namespace != namespace { return false }
        for (name, value) in labels where object.labels[name] != value { return false }
        for (name, value) in fields {
            switch name {
            case "metadata.name": if object.name != value { return false }
            case "metadata.namespace": if object.namespace != value { return false }
            case "spec.nodeName": if object.nodeName != value { return false }
            default: return false
            }
        }
        return true
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What is known of cgroup ids, and which are asked for. Plain state: the scan and the clock are the caller's.
package struct CgroupOwners {
    package enum Lookup: Equatable {
        /// The owner; nil for the root cgroup.
        case known(CgroupOwner?)
        /// Looked for and not found. Ids are never given out twice, so this stays, unless the scan did not see everything.
        case absent
        /// The next scan will tell.
        case pending
    }

    package struct Entry {
        package var path: String
        package var owner: CgroupOwner?
        /// Since when a scan no longer finds it.
        package var gone: ContinuousClock.Instant?
    }

    package static let maxKnown = 2 * CgroupTree.maxFolders
    package static let maxAsked = 65_536
    /// How long a cgroup that was removed is remembered: its last flows are still on their way.
    package static let grace: Duration = .seconds(120)
    /// How long "not found" counts after a scan that did not see everything.
    package static let doubt: Duration = .seconds(30)

    package private(set) var known: [UInt64: Entry] = [:]
    package private(set) var asked: Set<UInt64> = []
    private var absent: Set<UInt64> = []
    /// Not found by a scan that did not see everything, and until when that counts.
    private var doubtful: [UInt64: ContinuousClock.Instant] = [:]

    package init() {}

    /// Looks an id up; one that is not known is noted for the next scan.
    package mutating func look(up id: UInt64) -> Lookup {
        if let entry = known[id] { return .known(entry.owner) }
        if absent.contains(id) || doubtful[id] != nil { return .absent }
        guard asked.contains(id) || asked.count < Self.maxAsked else { return .absent }
        asked.insert(id)
        return .pending
    }

    /// What to know after a scan, from what was known before. Only a scan that saw everything can tell that a cgroup is
    /// gone. No lock is needed while this runs.
    package static func merged(
        _ known: [UInt64: Entry], with paths: [UInt64: String], isWhole: Bool, at now: ContinuousClock.Instant
    ) -> [UInt64: Entry] {
        var merged: [UInt64: Entry] = [:]
        merged.reserveCapacity(paths.count)
        for (id, path) in paths {
            if let entry = known[id], entry.path == path {
                merged[id] = Entry(path: path, owner: entry.owner)
            } else {
                merged[id] = Entry(path: path, owner: CgroupOwner(path: path))
            }
        }
        for (id, entry) in known where merged[id] == nil && merged.count < maxKnown {
            let gone = entry.gone ?? (isWhole ? now : nil)
            if let gone, now - gone > grace { continue }
            merged[id] = Entry(path: entry.path, owner: entry.owner, gone: gone)
        }
        return merged
    }

    /// Takes over what a scan found. `waiting` were asked for before it began, so what it did not find is absent: for
    /// good when it saw the whole tree, else for a while. Returns the ids whose answer is now known.
    package mutating func learn(
        _ known: [UInt64: Entry], waiting: Set<UInt64>, isWhole: Bool, at now: ContinuousClock.Instant
    ) -> Set<UInt64> {
        self.known = known
        let found = asked.union(doubtful.keys).filter { known[$0] != nil }
        let missing = waiting.subtracting(found)
        if isWhole {
            if absent.count + missing.count > Self.maxAsked { absent = [] }
            absent.formUnion(missing)
        } else {
            if doubtful.count + missing.count > Self.maxAsked { doubtful = [:] }
            for id in missing { doubtful[id] = now + Self.doubt }
        }
        let answered = found.union(missing)
        asked.subtract(answered)
        for id in found { doubtful[id] = nil }
        return answered
    }

    /// Forgets what was doubtful for long enough. Returns those ids: they may be asked for again.
    package mutating func forgetDoubtful(at now: ContinuousClock.Instant) -> [UInt64] {
        let over = doubtful.filter { $0.value <= now }.map(\.key)
        for id in over { doubtful[id] = nil }
        return over
    }
}

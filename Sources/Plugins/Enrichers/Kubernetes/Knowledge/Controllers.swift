// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import KubernetesClient

/// Who stands behind a pod: its controller, and where that is a ReplicaSet or a Job, that one's controller.
struct Controllers: Sendable {
    /// What is known of one controller. Those that no list names and no pod has are forgotten.
    private struct Record: Sendable {
        var uid: ObjectUID
        /// As pods name it; 0 until one does.
        var kind: UInt32 = 0
        var name: UInt32 = 0
        var parentKind: UInt32 = 0
        var parentName: UInt32 = 0
        var pods: UInt32 = 0
        /// The list that named it last: of ReplicaSets or of Jobs.
        var mark: UInt32 = 0
        /// Whether the API names it now.
        var isListed = false
        /// Whether the API ever did, so that its parent, or that it has none, is known.
        var isKnown = false
        var source = Source.none
    }

    /// Kinds whose controllers are looked up.
    enum Source: UInt8, Sendable { case none, replicaSets, jobs }

    struct Owner {
        let kind: UInt32
        let name: UInt32
        /// Whether the API may still tell of a controller above.
        let isFinal: Bool
    }

    private var records: [Record] = [Record(uid: .none)]
    private var index: [ObjectUID: UInt32] = [:]
    private var free: [UInt32] = []
    private var lists: [Source: UInt32] = [:]

    /// How many are known by their own list.
    private(set) var listed = 0

    var isEmpty: Bool { index.isEmpty }

    static func source(of reference: OwnerReference) -> Source {
        // Other groups have a kind of the same name now and then (`apps.kruise.io`).
        switch (reference.apiVersion, reference.kind) {
        case ("apps/v1", "ReplicaSet"): .replicaSets
        case ("batch/v1", "Job"): .jobs
        default: .none
        }
    }

    /// The number of what a pod names as its controller; one pod more has it.
    mutating func hold(_ reference: OwnerReference, _ texts: inout Interner<String>) -> UInt32 {
        let number = number(of: ObjectUID(reference.uid))
        if records[Int(number)].pods == 0 {
            records[Int(number)].kind = texts.hold(reference.kind)
            records[Int(number)].name = texts.hold(reference.name)
            // What its own list says is more.
            if !records[Int(number)].isListed { records[Int(number)].source = Self.source(of: reference) }
        }
        records[Int(number)].pods += 1
        return number
    }

    mutating func release(_ number: UInt32, _ texts: inout Interner<String>) {
        guard number != 0 else { return }
        records[Int(number)].pods -= 1
        if records[Int(number)].pods == 0 {
            // Pods that come bring the name along again.
            texts.release(records[Int(number)].kind)
            texts.release(records[Int(number)].name)
            records[Int(number)].kind = 0
            records[Int(number)].name = 0
        }
        dropIfUnused(number, &texts)
    }

    func uid(_ number: UInt32) -> ObjectUID { records[Int(number)].uid }

    func owner(_ number: UInt32) -> Owner {
        let record = records[Int(number)]
        if record.parentKind != 0 { return Owner(kind: record.parentKind, name: record.parentName, isFinal: true) }
        return Owner(kind: record.kind, name: record.name, isFinal: record.isKnown || record.source == .none)
    }

    // MARK: What the API says of ReplicaSets and Jobs

    mutating func beginList(_ source: Source) { lists[source, default: 0] &+= 1 }

    /// Notes the controller of a ReplicaSet or Job; its number when pods that have it have another owner now.
    mutating func put(_ object: ObjectMeta, _ source: Source, _ texts: inout Interner<String>) -> UInt32? {
        let number = number(of: ObjectUID(object.uid))
        var record = records[Int(number)]
        if !record.isListed { listed += 1 }
        record.isListed = true
        record.source = source
        record.mark = lists[source] ?? 0
        let parent = object.controller
        let isNews = !record.isKnown || texts[record.parentKind] != parent?.kind ?? "" || texts[record.parentName] != parent?.name ?? ""
        record.isKnown = true
        if isNews {
            let (kind, name) = (record.parentKind, record.parentName)
            record.parentKind = texts.hold(parent?.kind ?? "")
            record.parentName = texts.hold(parent?.name ?? "")
            texts.release(kind)
            texts.release(name)
        }
        records[Int(number)] = record
        return isNews && record.pods > 0 ? number : nil
    }

    /// The object is gone; what is known of it stays as long as a pod has it.
    mutating func delete(_ uid: ObjectUID, _ texts: inout Interner<String>) {
        guard let number = index[uid], records[Int(number)].isListed else { return }
        listed -= 1
        records[Int(number)].isListed = false
        dropIfUnused(number, &texts)
    }

    /// Those that the list, now at its end, did not name.
    func unnamed(_ source: Source) -> [ObjectUID] {
        let list = lists[source] ?? 0
        return records.filter { $0.isListed && $0.source == source && $0.mark != list }.map(\.uid)
    }

    private mutating func number(of uid: ObjectUID) -> UInt32 {
        if let number = index[uid] { return number }
        let number: UInt32
        if let vacant = free.popLast() {
            number = vacant
            records[Int(number)] = Record(uid: uid)
        } else {
            number = UInt32(records.count)
            records.append(Record(uid: uid))
        }
        index[uid] = number
        return number
    }

    private mutating func dropIfUnused(_ number: UInt32, _ texts: inout Interner<String>) {
        let record = records[Int(number)]
        guard record.pods == 0, !record.isListed else { return }
        for text in [record.kind, record.name, record.parentKind, record.parentName] { texts.release(text) }
        index[record.uid] = nil
        records[Int(number)] = Record(uid: .none)
        free.append(number)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What is known of this host as a whole, by OpenTelemetry's names for a resource: `cloud.provider`, `host.id`, `k8s.cluster.name`.
///
/// One for all stages of the agent, seen by each through a handle of its own, which is good for as long as the stage is. Stages tell what
/// they learn, exporters that describe where their data comes from read it each time they send.
public struct ResourceFacts: Sendable {
    /// Facts of one stage beyond this many are left out: a resource is a few names, not a table.
    public static let maxFacts = 64

    private final class Store: Sendable {
        let facts = Mutex<[Int: [String: String]]>([:])
        /// Stages that were started to tell something, and have not tried yet.
        let awaited = Mutex<Set<Int>>([])
        /// The stages of the configuration that runs, the first first; nil: in the order of their numbers.
        let order = Mutex<[Int]?>(nil)
        let numbers = Atomic<Int>(0)
    }

    private let store: Store
    private let rank: Int

    public init() { self.init(Store(), rank: 0) }

    private init(_ store: Store, rank: Int) {
        self.store = store
        self.rank = rank
    }

    /// The same facts, for a stage that stands at this place of the configuration.
    package func handle(rank: Int) -> ResourceFacts { ResourceFacts(store, rank: rank) }

    /// The same facts, for one more stage.
    package func handle() -> ResourceFacts { ResourceFacts(store, rank: store.numbers.wrappingAdd(1, ordering: .relaxed).newValue) }

    /// These stages are the ones that run, the first of them the one that is right. What others told is forgotten.
    package func arrange(_ stages: [ResourceFacts]) {
        let order = stages.map(\.rank)
        store.order.withLock { $0 = order }
        store.facts.withLock { facts in facts = facts.filter { order.contains($0.key) } }
        store.awaited.withLock { $0.formIntersection(order) }
    }

    /// Says what this stage knows, in place of all that it said before. Values are cleaned as those of attributes are.
    public func set(_ facts: [String: String]) {
        let kept = facts.sorted { $0.key < $1.key }.map { ($0.key, $0.value.cleaned) }.filter { !$0.0.isEmpty && !$0.1.isEmpty }
        let mine = Dictionary(uniqueKeysWithValues: kept.prefix(Self.maxFacts))
        store.facts.withLock { $0[rank] = mine }
    }

    /// The stage at this place is to be waited for.
    package func expect() { store.awaited.withLock { _ = $0.insert(rank) } }

    /// Says that this stage has told what there is, or tried to learn it: what it learns from now on is late. The host says so too when
    /// the stage's `run` ends.
    public func settle() { store.awaited.withLock { _ = $0.remove(rank) } }

    /// Whether every stage that was started to tell something has told it, or tried to. Exporters may wait for it, but not for long.
    public var isSettled: Bool { store.awaited.withLock { $0.isEmpty } }

    /// What all stages know; of several that know one thing the first in the configuration is right.
    public func read() -> [String: String] {
        let order = store.order.withLock { $0 }
        return store.facts.withLock { facts in
            (order ?? facts.keys.sorted()).reduce(into: [:]) { all, stage in all.merge(facts[stage] ?? [:]) { first, _ in first } }
        }
    }
}

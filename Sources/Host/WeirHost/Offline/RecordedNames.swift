// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WeirKit
internal import WeirPipeline

/// Attributes that recorded lines carry, as the answers of a last stage: a name that was known when the line was written
/// survives, unless a stage of the configuration has an answer of its own.
///
/// Each distinct set of attributes of one end gets a number, which goes through the pipeline as the end's local owner: so
/// two workloads that shared an address stay two. The numbers begin where no cgroup's id can be.
final class RecordedNames: Sendable {
    /// One end of a line: what was known of it, and the cgroup that a test gave it.
    struct Known: Hashable, Sendable {
        var texts: [Attribute: String] = [:]
        var cgroup: UInt64 = 0
    }

    /// Bytes of distinct ones, with what each costs beside its texts. Beyond, lines go without recorded names, counted.
    static let limit = 128 << 20
    private static let costOfOne = 128
    static let mark: UInt64 = 1 << 63

    private struct State {
        var numbers: [Known: UInt64] = [:]
        var known: [Known] = []
        var bytes = 0
        var turnedAway = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// `limit`: bytes of distinct ones.
    init(limit: Int = limit) { self.limit = limit }

    /// How many ends went without their names because of `limit`.
    var turnedAway: Int { state.withLock { $0.turnedAway } }

    /// The owner that stands for `known`.
    func owner(_ known: Known) -> UInt64 {
        if known.texts.isEmpty { return known.cgroup }
        return state.withLock { state in
            if let number = state.numbers[known] { return number }
            let cost = known.texts.values.reduce(Self.costOfOne) { $0 + Self.costOfOne + $1.utf8.count }
            guard state.bytes + cost <= limit else {
                state.turnedAway += 1
                return known.cgroup
            }
            state.bytes += cost
            let number = Self.mark | UInt64(state.known.count)
            state.numbers[known] = number
            state.known.append(known)
            return number
        }
    }

    /// What stands behind an owner; nil for a cgroup's own id.
    func known(_ owner: UInt64) -> Known? {
        guard owner & Self.mark != 0 else { return nil }
        return state.withLock { $0.known[Int(owner & ~Self.mark)] }
    }

    /// The stages of a configuration with this one behind them, each seeing the owners that there really are.
    func behind(_ enrichers: [EnricherInstance], catalog: Catalog) -> [EnricherInstance] {
        let answered = Set(catalog.all.filter { $0.attribute.subject == .endpoint && $0.attribute != .address }.map(\.attribute))
        return enrichers.map { instance in instance.askingInstead { StageBeforeNames(stage: $0, names: self) } }
            + [EnricherInstance(name: "(recorded)", stage: .endpoint(RecordedNamesStage(names: self, writes: answered)))]
    }
}

/// Shows a stage the cgroups that there really are instead of the numbers of ``RecordedNames``.
private struct StageBeforeNames: EndpointEnricher {
    let stage: any EndpointEnricher
    let names: RecordedNames

    var reads: Set<Attribute> { stage.reads }
    func reads(for attributes: Set<Attribute>) -> Set<Attribute> { stage.reads(for: attributes) }
    var readsIfThere: Set<Attribute> { stage.readsIfThere }
    var writes: Set<Attribute> { stage.writes }
    func needs(for attributes: Set<Attribute>) -> KeyFields { stage.needs(for: attributes) }
    func valueCount(of attribute: Attribute) -> Int? { stage.valueCount(of: attribute) }

    func enrich(_ endpoints: inout EndpointBatch) {
        let owners = endpoints.owners
        endpoints.owners = owners.map { names.known($0)?.cgroup ?? $0 }
        stage.enrich(&endpoints)
        endpoints.owners = owners
    }
}

private struct RecordedNamesStage: EndpointEnricher {
    let names: RecordedNames
    let writes: Set<Attribute>

    func enrich(_ endpoints: inout EndpointBatch) {
        for row in endpoints.rows {
            guard let known = names.known(endpoints.owner(row)) else { continue }
            for (attribute, text) in known.texts { endpoints.answer(attribute, row, .text(text)) }
        }
    }
}

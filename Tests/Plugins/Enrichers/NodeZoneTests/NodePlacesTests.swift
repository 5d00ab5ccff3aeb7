// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import NodeZoneEnricher
import Testing
import WeirTesting

@Suite("where nodes are")
struct NodePlacesTests {
    private func node(_ name: String, _ uid: String, zone: String?) -> PartialObject {
        PartialObject(ObjectMeta(uid: uid, name: name, labels: zone.map { ["topology.kubernetes.io/zone": $0] } ?? [:]))
    }

    private func expect<Value: Equatable>(_ got: Value, _ expected: Value) { #expect(got == expected) }

    @Test("only what changed is told")
    func news() {
        var places = NodePlaces()
        expect(places.put(node("a", "1", zone: "x")), "a")
        expect(places.put(node("a", "1", zone: "x")), nil)
        expect(places.put(node("a", "1", zone: "y")), "a")
        #expect(places["a"]?.zone == "y")
    }

    @Test("a node that is gone is remembered for the grace period, one made anew under its name for good")
    func grace() {
        var places = NodePlaces()
        _ = places.put(node("a", "1", zone: "x"))
        _ = places.put(node("b", "2", zone: "y"))
        places.delete(ObjectIdentity(uid: "1", namespace: "", name: "a"), at: 10)
        places.delete(ObjectIdentity(uid: "2", namespace: "", name: "b"), at: 10)
        #expect(places.count == 0)
        _ = places.put(node("b", "3", zone: "z"))
        places.delete(ObjectIdentity(uid: "2", namespace: "", name: "b"), at: 11)
        #expect(places.count == 1 && places["a"]?.zone == "x" && places["b"]?.zone == "z")
        expect(places.forget(at: 10 + NodePlaces.grace), [])
        expect(places.forget(at: 10.1 + NodePlaces.grace), ["a"])
        #expect(places["a"] == nil && places["b"]?.zone == "z" && places.count == 1)
    }

    private enum Told { case begin, put(PartialObject), delete(ObjectIdentity), end }

    @Test("lists that are cut and read again lead to the same places", arguments: 0..<100)
    func law(_ round: Int) {
        let seed = SplitMix64.freshSeed &+ UInt64(round)
        var random = SplitMix64(seed: seed)
        func nodes(_ generation: Int) -> [PartialObject] {
            (0..<8).filter { _ in Bool.random(using: &random) }.map { number in
                node("node-\(number)", "\(generation)-\(number)", zone: ["x", "y", nil].randomElement(using: &random) ?? nil)
            }
        }
        let (first, last) = (nodes(0), nodes(1))
        var told: [Told] = [.begin] + first.prefix(3).map { .put($0) } + [.begin] + first.map { .put($0) } + [.end]
        if Bool.random(using: &random) {
            // A name is given anew only after the delete of who had it.
            told += first.map { .delete($0.meta.identity) } + last.shuffled(using: &random).map { .put($0) }
        } else {
            told += [.begin] + last.prefix(2).map { .put($0) } + [.begin] + last.shuffled(using: &random).map { .put($0) } + [.end]
        }
        var places = NodePlaces()
        var time = 0.0
        for item in told {
            time += 1
            switch item {
            case .begin: places.beginList()
            case .put(let node): _ = places.put(node)
            case .delete(let identity): places.delete(identity, at: time)
            case .end: places.endList(at: time)
            }
        }
        _ = places.forget(at: time + 1000)
        #expect(places.count == last.count, "WEIR_SEED=\(seed)")
        for number in 0..<8 {
            let expected = last.first { $0.meta.name == "node-\(number)" }
            #expect(places["node-\(number)"]?.zone == expected?.meta.labels["topology.kubernetes.io/zone"], "WEIR_SEED=\(seed)")
            #expect((places["node-\(number)"] != nil) == (expected != nil), "WEIR_SEED=\(seed)")
        }
    }
}

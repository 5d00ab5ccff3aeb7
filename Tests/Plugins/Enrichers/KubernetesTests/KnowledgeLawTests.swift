// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import KubernetesEnricher
import Testing
import WeirKit
import WeirTesting

/// An end as it is asked about: with the pod's uid where the socket is known.
private struct Question: Hashable {
    var address: IPAddress
    var pod: ObjectUID?

    /// The sockets of pods in the network of their node: each of its addresses. Of those that stay there: no pod ever moves.
    static func bySocket(_ first: World, _ last: World) -> [Question] {
        first.pods.merging(last.pods) { $1 }.values.flatMap { pod -> [Question] in
            let all = [first.pods[pod.meta.uid], last.pods[pod.meta.uid]].compactMap { $0 }
            guard all.allSatisfy({ $0.hostNetwork && $0.nodeName == pod.nodeName && $0.staticUID == pod.staticUID }) else { return [] }
            let uids = [pod.meta.uid, pod.staticUID].filter { !$0.isEmpty }
            return uids.flatMap { uid in pod.hostAddresses.map { Question(address: $0, pod: ObjectUID(uid)) } }
        }
    }
}

@Suite("what is known of a cluster")
struct KnowledgeLawTests {
    @Test("any order of events, cut lists and lists read again lead to the same answers, and leave nothing behind", arguments: 0..<300)
    func anyOrder(_ round: Int) throws {
        let seed = SplitMix64.freshSeed &+ UInt64(round)
        var maker = WorldMaker(random: SplitMix64(seed: seed))
        let first = maker.world(generation: 0)
        let last = maker.world(generation: 1).keepingControllers(of: first)
        var knowledge = ClusterKnowledge(try WorldMaker.options)
        var time = 2000.0
        for told in maker.tale(first, last) {
            time += 0.1
            knowledge.tell(told, at: Moment(wall: time, monotonic: time))
            if Bool.random(using: &maker.random) { knowledge.forget(at: Moment(wall: time, monotonic: time)) }
        }
        time += 1000
        knowledge.forget(at: Moment(wall: time, monotonic: time))
        for address in WorldMaker.addresses {
            let expected = last.facts(of: address, pod: nil, try WorldMaker.options)
            let got = knowledge.facts(of: address, pod: nil, at: time)
            #expect(got == expected, "\(address), WEIR_SEED=\(seed)")
            let stranger = last.facts(of: address, pod: "nobody", try WorldMaker.options)
            #expect(knowledge.facts(of: address, pod: ObjectUID("nobody"), at: time) == stranger, "\(address) of nobody, WEIR_SEED=\(seed)")
        }
        for (uid, pod) in last.pods {
            let expected = last.facts(of: .zero, pod: uid, try WorldMaker.options)
            #expect(knowledge.facts(of: .zero, pod: ObjectUID(uid), at: time) == expected, "\(uid), WEIR_SEED=\(seed)")
            guard !pod.staticUID.isEmpty else { continue }
            #expect(knowledge.facts(of: .zero, pod: ObjectUID(pod.staticUID), at: time) == expected, "\(uid) as static pod, WEIR_SEED=\(seed)")
        }
        #expect(knowledge.counts.pods == last.pods.count && knowledge.counts.nodes == last.nodes.count, "WEIR_SEED=\(seed)")

        for told in maker.end(last) { knowledge.tell(told, at: Moment(wall: time, monotonic: time)) }
        time += 1000
        knowledge.forget(at: Moment(wall: time, monotonic: time))
        #expect(knowledge.isEmpty, "left behind: \(knowledge.counts), WEIR_SEED=\(seed)")
    }

    @Test("whose answer changes is told, and nobody is who says the same again", arguments: 0..<100)
    func changes(_ round: Int) throws {
        let seed = SplitMix64.freshSeed &+ UInt64(round)
        var maker = WorldMaker(random: SplitMix64(seed: seed))
        var knowledge = ClusterKnowledge(try WorldMaker.options)
        var time = 2000.0
        let (first, last) = (maker.world(generation: 0), maker.world(generation: 1))
        let questions = WorldMaker.addresses.map { Question(address: $0, pod: nil) } + Question.bySocket(first, last)
        func answers(_ knowledge: ClusterKnowledge, _ time: Double) -> [Question: EndFacts] {
            var answers: [Question: EndFacts] = [:]
            for question in questions { answers[question] = knowledge.facts(of: question.address, pod: question.pod, at: time) }
            return answers
        }
        for told in maker.tale(first, last) {
            let before = answers(knowledge, time)
            _ = knowledge.takeChanged()
            time += 0.001
            knowledge.tell(told, at: Moment(wall: time, monotonic: time))
            let changed = knowledge.takeChanged()
            let after = answers(knowledge, time)
            for question in questions where before[question] != after[question] {
                #expect(changed.all || changed.addresses.contains(question.address), "\(question) after \(told), WEIR_SEED=\(seed)")
            }
            knowledge.tell(told, at: Moment(wall: time, monotonic: time))
            let again = knowledge.takeChanged()
            #expect(again.isEmpty, "\(again.addresses) after \(told) twice, WEIR_SEED=\(seed)")
        }
    }
}

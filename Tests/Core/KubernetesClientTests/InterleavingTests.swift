// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FakeKubernetes
internal import KubernetesClient
internal import Testing
internal import WeirKit
internal import WeirTesting

/// Any interleaving of pages, events, 410, cuts, slow streams and refusals ends in what the server has. No task, no clock, no socket: the
/// seed decides everything.
@Suite struct InterleavingTests {
    @Test("law: whatever happens between server and client, they end with the same objects", arguments: 0..<8)
    func law(part: Int) {
        let base = SplitMix64.freshSeed &+ UInt64(part) &* 1_000_003
        for round in 0..<40 {
            let seed = base &+ UInt64(round)
            var story = Story(seed: seed)
            let wrong = story.play()
            #expect(wrong == nil, "WEIR_SEED=\(seed), part 0, round 0: \(wrong ?? "")")
            if wrong != nil { return }
        }
    }
}

private struct Story {
    private var random: SplitMix64
    private var api = FakeAPI()
    /// What another API server knows, which is behind; nil while there is none.
    private var behind: FakeCluster?
    private var client: ListWatch<Pod>
    private var receiver = Receiver<Pod>()
    private let registry = MetricRegistry()
    private var now = ContinuousClock.now
    private let resource = KubernetesResource.pods

    /// The answer that is under way.
    private var queue: [UInt8] = []
    private var watch: FakeWatch?
    private var cutAfter: Int?
    private var isOpen = false
    /// Pods that were there from the start and never go.
    private var eternal: Set<String> = []
    private var seenEternal: Set<String> = []

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        var options = ReflectorOptions()
        options.pageSize = 1 + random.below(7)
        let machine = ListWatchMachine(options, random: SplitMix64(seed: random.next()))
        client = ListWatch(resource, labels: ["app"], machine: machine, metrics: ReflectorMetrics(registry, resource: resource))
        api.hasCache = random.below(3) > 0
        for number in 0..<random.below(20) { put(number, isEternal: number % 3 == 0) }
    }

    mutating func play() -> String? {
        for _ in 0..<600 {
            switch random.below(10) {
            case 0..<3: change()
            case 3 where random.below(4) == 0: misfortune()
            default: if let wrong = advance(maySpoil: true) { return wrong }
            }
        }
        api.faults = []
        behind = nil
        // From here on all goes well, and soon both know the same.
        for _ in 0..<5000 {
            if let wrong = advance(maySpoil: false) { return wrong }
            if watch != nil, queue.isEmpty, watch?.version == api.cluster.version, watch?.isOver == false { return compare() }
        }
        return "not caught up after 5000 steps"
    }

    private mutating func put(_ number: Int, isEternal: Bool = false, again: Int = 0) {
        let name = "pod-\(number)"
        let uid = again == 0 ? "uid-\(number)" : "uid-\(number)-\(again)"
        if isEternal { eternal.insert(uid) }
        let address = "10.0.\(random.below(4)).\(number)"
        let tree = JSONTree.object([
            "apiVersion": .text("v1"), "kind": .text("Pod"),
            "metadata": .object([
                "name": .text(name), "namespace": .text("shop"), "uid": .text(uid),
                "labels": .object(["app": .text("a\(random.below(3))"), "b": .text("c")]),
            ]), "spec": .object(["nodeName": .text("node-\(random.below(3))")]),
            "status": .object(["phase": .text("Running"), "podIPs": .list([.object(["ip": .text(address)])])]),
        ])
        if let object = FakeObject(tree) { api.cluster.put(object) }
    }

    private mutating func change() {
        let number = random.below(20)
        let known = api.cluster.object(.pods, namespace: "shop", name: "pod-\(number)")
        let isEternal = known.map { eternal.contains($0.uid) } ?? false
        switch random.below(8) {
        case 0..<4:
            let again = isEternal || known?.uid == "uid-\(number)" ? 0 : random.below(5)
            put(number, again: again)
        case 4, 5: if !isEternal { api.cluster.delete(.pods, namespace: "shop", name: "pod-\(number)") }
        case 6: api.cluster.pass()
        default: if random.below(4) == 0 { api.cluster.compact() }
        }
    }

    /// Something for the next questions.
    private mutating func misfortune() {
        let kinds: [FakeFault.Kind] = [
            .status(410), .status(410), .status(429, retryAfterSeconds: 1), .status(500), .status(503), .status(401), .status(403), .status(404),
            .garbage("what is no JSON"), .garbage(#"{"type":"ADDED","object":{"metadata":5}}"#), .garbage(#"{"type":"MADE","object":{}}"#), .html,
            .silence,
            .cut(afterBytes: random.below(3000)), .cut(afterBytes: random.below(300)),
        ]
        let kind = kinds[random.below(kinds.count)]
        var target = FakeFault.Target.allCases[random.below(3)]
        // An event in front of a list is a list without a version, as far as anybody can tell.
        if case .garbage(let text) = kind, text.first == "{" { target = .watch }
        api.faults.append(FakeFault(kind, on: target, times: 1 + random.below(2)))
        if random.below(3) == 0 { behind = api.cluster }
    }

    /// Lists of a version come from a cache, and now and then from that of the server that is behind: it refuses a version that it does
    /// not know yet, and a first list is an old one.
    private mutating func reply(to request: KubernetesRequest, _ step: ListWatchMachine.Step) -> FakeAnswer {
        if let behind, api.hasCache, case .list(let query) = step, query.resourceVersion != nil, random.below(2) == 0 {
            var other = api
            other.cluster = behind
            other.faults = []
            return other.answer(request.target, token: nil, accept: request.accept)
        }
        return api.answer(request.target, token: nil, accept: request.accept)
    }

    /// One step of the client.
    private mutating func advance(maySpoil: Bool) -> String? {
        now += .milliseconds(random.below(400))
        if !isOpen { return ask() }
        if maySpoil, random.below(60) == 0 { return end(KubernetesError(random.below(2) == 0 ? .cut : .idle, "cut by the story")) }
        if watch != nil, random.below(3) > 0 { poll() }
        if queue.isEmpty {
            guard let watch else { return end(nil) }
            // The watch's time is over.
            return watch.isOver || random.below(80) == 0 ? end(nil) : nil
        }
        let size = min(queue.count, 1 + random.below(random.below(2) == 0 ? 20 : 4000))
        let piece = Array(queue.prefix(size))
        queue.removeFirst(size)
        if let left = cutAfter {
            cutAfter = left - size
            if left <= size { return tell(client.take(Array(piece.prefix(left)), at: now).events) ?? end(KubernetesError(.cut, "cut by a fault")) }
        }
        let (events, isOver) = client.take(piece, at: now)
        return tell(events) ?? (isOver ? end(nil) : nil)
    }

    private mutating func poll() {
        guard var open = watch else { return }
        queue += api.poll(&open)
        if random.below(4) == 0 { queue += api.bookmark(open) }
        watch = open
    }

    private mutating func ask() -> String? {
        let step = client.next()
        let request: KubernetesRequest
        switch step {
        case .wait(let pause):
            now += pause
            return pause > .seconds(600) ? "a pause of \(pause)" : nil
        case .list(let query): request = resource.request(query, client.options)
        case .watch(let query): request = resource.request(query, client.options)
        }
        let answer = reply(to: request, step)
        isOpen = true
        queue = []
        watch = nil
        cutAfter = nil
        switch answer.body {
        case .whole(let bytes): queue = bytes
        case .watch(let open): watch = open
        }
        switch answer.fault {
        case .garbage(let text)?: queue = Array(text.utf8) + queue
        case .html?: (queue, watch) = (Array("<!doctype html>".utf8), nil)
        case .cut(let bytes)?: cutAfter = bytes
        case .silence?: return end(KubernetesError(.idle, "silence"))
        case .status?, .slow?, nil: break
        }
        return tell(client.answered(step, status: answer.status, retryAfter: answer.retryAfterSeconds.map { .seconds($0) }, at: now))
    }

    private mutating func end(_ failure: KubernetesError?) -> String? {
        isOpen = false
        watch = nil
        queue = []
        return tell(client.end(failure, at: now))
    }

    private mutating func tell(_ events: [ReflectorEvent<Pod>]) -> String? {
        receiver.apply(events)
        if let wrong = receiver.wrongs.first { return wrong }
        // Nothing that never went may be forgotten, in the middle of whatever trouble.
        seenEternal.formUnion(eternal.intersection(receiver.objects.keys))
        let lost = seenEternal.subtracting(receiver.objects.keys)
        return lost.isEmpty ? nil : "forgot \(lost.sorted())"
    }

    /// Object by object, read by other code than the client's.
    private func compare() -> String? {
        var truth: [String: String] = [:]
        for object in api.cluster.all(.pods) {
            guard let tree = try? JSONTreeReader.read(object.bytes) else { return "the fake server made what is no JSON" }
            truth[object.uid] = [
                tree["metadata"]?["name"]?.text, tree["metadata"]?["labels"]?["app"]?.text, tree["spec"]?["nodeName"]?.text,
                tree["status"]?["podIPs"]?.items.first?["ip"]?.text,
            ].map { $0 ?? "-" }.joined(separator: " ")
        }
        let known = receiver.objects.mapValues {
            "\($0.meta.name) \($0.meta.labels["app"] ?? "-") \($0.nodeName) \($0.addresses.first?.description ?? "-")"
        }
        guard known != truth else { return nil }
        let missing = truth.keys.filter { known[$0] == nil }.sorted()
        let extra = known.keys.filter { truth[$0] == nil }.sorted()
        let changed = truth.filter { known[$0.key] != nil && known[$0.key] != $0.value }
        return "missing \(missing), too many \(extra), other than the server's \(changed)"
    }
}

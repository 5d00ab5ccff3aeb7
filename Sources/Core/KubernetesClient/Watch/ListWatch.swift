// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
internal import WeirKit

/// One resource, listed and watched: the machine's decisions and the decoders' reading, without I/O.
///
/// The caller does what `next` says. For a question it then calls `answered` once there is a head, `take` for every piece, and `end`
/// when no more come.
package struct ListWatch<Object: KubernetesObject>: Sendable {
    package typealias Event = ReflectorEvent<Object>

    /// An answer that is no list and no watch.
    private struct Refused: Sendable {
        var body = StatusReader()
        var status: Int
        var retryAfter: Duration?
    }

    private let resource: KubernetesResource
    private let metrics: ReflectorMetrics
    private let listTree: FieldTree
    private let watchTree: FieldTree
    private var machine: ListWatchMachine
    // What is being read: one of these, or nothing. Each in a place of its own, so that it changes where it lies.
    private var list: ListDecoder<Object>?
    private var watch: WatchDecoder<Object>?
    private var refused: Refused?
    private var watchSince = ContinuousClock.now
    private var draft: ObjectDraft
    /// How the question that is under way ends, when its own bytes have decided that.
    private var verdict: ListWatchMachine.Outcome?
    private var isUpToDate = false
    package private(set) var health = ReflectorHealth()
    /// Set when there is something new to say of what does not work.
    private var trouble: KubernetesError?

    package init(_ resource: KubernetesResource, labels: [String], machine: ListWatchMachine, metrics: ReflectorMetrics) {
        self.resource = resource
        // Once each: a path stands once in a tree.
        var seen: Set<String> = []
        let labels = labels.filter { seen.insert($0).inserted }
        listTree = ListDecoder<Object>.tree(labels: labels)
        watchTree = WatchDecoder<Object>.tree(labels: labels)
        draft = ObjectDraft(labelNames: labels)
        self.machine = machine
        self.metrics = metrics
    }

    package var options: ReflectorOptions { machine.options }

    package mutating func next() -> ListWatchMachine.Step { machine.next() }

    /// The head of the answer to `step`.
    package mutating func answered(_ step: ListWatchMachine.Step, status: Int, retryAfter: Duration?, at now: ContinuousClock.Instant) -> [Event] {
        verdict = nil
        draft.empty()
        guard status == 200 else {
            refused = Refused(status: status, retryAfter: retryAfter)
            return []
        }
        health.isRefused = false
        switch step {
        case .list(let query):
            list = ListDecoder(listTree)
            isUpToDate = false
            return query.continueToken.isEmpty ? [.beginList] : []
        case .watch:
            metrics.watches.add()
            watch = WatchDecoder(watchTree, from: machine.resourceVersion)
            watchSince = now
            health.lastContact = now
            recover()
            defer { isUpToDate = true }
            return isUpToDate ? [] : [.caughtUp]
        case .wait: preconditionFailure("an answer to no question")
        }
    }

    /// A piece of the answer. `isOver` when the rest is of no use.
    package mutating func take(_ piece: [UInt8], at now: ContinuousClock.Instant) -> (events: [Event], isOver: Bool) {
        metrics.bytes.add(UInt64(piece.count))
        var events: [Event] = []
        var tally = DecodeTally()
        defer {
            metrics.skipped.add(UInt64(tally.skipped))
            metrics.badValues.add(UInt64(tally.badValues))
        }
        if refused != nil {
            let isWorthMore = refused?.body.read(piece) == true
            return ([], !isWorthMore)
        }
        if list != nil {
            do throws(DecodeProblem) {
                try list?.read(piece, &draft, into: &events, &tally)
            } catch { fail(.decode, "the server sent \(error)", at: now) }
            metrics.puts.add(UInt64(events.count))
        } else {
            readWatch(piece, &events, &tally, at: now)
        }
        if verdict == nil { health.lastContact = now }
        return (events, verdict != nil)
    }

    private mutating func readWatch(_ piece: [UInt8], _ events: inout [Event], _ tally: inout DecodeTally, at now: ContinuousClock.Instant) {
        var found: [WatchDecoder<Object>.Event] = []
        do throws(DecodeProblem) {
            try watch?.read(piece, &draft, into: &found, &tally)
        } catch { fail(.decode, "the server sent \(error)", at: now) }
        for event in found {
            switch event {
            case .put(let object):
                metrics.puts.add()
                events.append(.put(object))
            case .delete(let identity):
                metrics.deletes.add()
                events.append(.delete(identity))
            case .failure(let status): refuse(status, http: status.code, retryAfter: nil, at: now)
            // Nothing that is known counts any more.
            case .rewound: verdict = .failed(.expired)
            }
        }
        if let version = watch?.resourceVersion, !version.isEmpty, version != machine.resourceVersion { saw(version, at: now) }
    }

    /// No more pieces: the end of the answer, or why there is none.
    package mutating func end(_ failure: KubernetesError?, at now: ContinuousClock.Instant) -> [Event] {
        defer {
            list = nil
            watch = nil
            refused = nil
        }
        let isGood = watch.map { $0.events > 0 || now - watchSince >= options.goodWatch } ?? false
        if let refused {
            refuse(refused.body.status, http: refused.status, retryAfter: refused.retryAfter, at: now)
        } else if let failure, verdict == nil {
            if isGood, failure.reason == .idle || failure.reason == .cut {
                // A watch that worked: the resource is quiet and the server sends no bookmarks, or something in between forgets
                // connections. Trouble it is when the next one does not come about.
                verdict = .failed(failure.reason)
            } else {
                fail(failure.reason, failure.description, at: now)
            }
        }
        if let list { return endList(list, at: now) }
        if let watch, verdict == nil, !watch.isBetweenEvents { fail(.cut, "the watch ended within an event", at: now) }
        endQuestion(isGood: isGood)
        return []
    }

    private mutating func endList(_ decoder: ListDecoder<Object>, at now: ContinuousClock.Instant) -> [Event] {
        if verdict == nil {
            do throws(DecodeProblem) { try decoder.end() } catch { fail(.decode, "the server sent \(error)", at: now) }
        }
        guard verdict == nil else {
            endQuestion(isGood: false)
            return []
        }
        machine.finish(.page(resourceVersion: decoder.resourceVersion, continueToken: decoder.continueToken))
        guard decoder.continueToken.isEmpty else { return [] }
        metrics.lists.add()
        health.lastList = now
        saw(decoder.resourceVersion, at: now)
        return [.endList]
    }

    private mutating func endQuestion(isGood: Bool) {
        let outcome = verdict ?? .watchEnded
        verdict = nil
        switch outcome {
        case .failed(let reason, _): metrics.restarts[reason]?.add()
        case .versionTooLarge: metrics.restarts[.serverError]?.add()
        case .watchEnded: metrics.restarts[.closed]?.add()
        case .page: break
        }
        machine.finish(outcome, isGood: isGood)
    }

    /// What a `Status` in place of an answer or of an object means.
    private mutating func refuse(_ status: APIStatus, http: Int, retryAfter: Duration?, at now: ContinuousClock.Instant) {
        let wait = retryAfter ?? status.retryAfterSeconds.map { .seconds(max(0, $0)) }
        if status.isVersionTooLarge { return verdict = .versionTooLarge }
        fail(RestartReason(status: http), Refusal.text(resource, http, status), retryAfter: wait, at: now)
    }

    private mutating func fail(_ reason: RestartReason, _ text: String, retryAfter: Duration? = nil, at now: ContinuousClock.Instant) {
        verdict = .failed(reason, retryAfter: retryAfter)
        // An old version is part of the game.
        guard reason != .expired else { return }
        isUpToDate = false
        if reason == .forbidden || reason == .notFound { health.isRefused = true }
        health.failingSince = health.failingSince ?? now
        health.trouble = text
        trouble = KubernetesError(reason, text)
    }

    private mutating func saw(_ version: String, at now: ContinuousClock.Instant) {
        machine.saw(version)
        health.resourceVersion = version
        health.resourceVersionSince = now
    }

    private mutating func recover() {
        health.failingSince = nil
        health.trouble = ""
    }

    /// What there is to say since the last call.
    package mutating func takeTrouble() -> KubernetesError? {
        defer { trouble = nil }
        return trouble
    }
}

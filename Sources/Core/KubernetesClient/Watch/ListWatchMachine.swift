// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Why a list or a watch was begun again: the label `reason` of the restarts.
package enum RestartReason: String, CaseIterable, Sendable {
    /// The server ended a watch at its time.
    case closed
    /// No connection, or one that broke, or nothing came for too long.
    case connect, tls, cut, idle
    /// The version, or the token of a page, is older than what the server remembers.
    case expired
    /// The server asks to come later (429), or is in trouble itself (5xx).
    case throttled
    case serverError = "server_error"
    /// Token or certificate not accepted; not allowed; no such resource; another refusal.
    case unauthorized, forbidden
    case notFound = "not_found"
    case refused
    /// What came cannot be read.
    case decode

    /// Of an HTTP status other than 200.
    init(status: Int) {
        self =
            switch status {
            case 401: .unauthorized
            case 403: .forbidden
            case 404: .notFound
            case 410: .expired
            case 429: .throttled
            case 500...: .serverError
            default: .refused
            }
    }
}

/// The decisions of listing and watching one resource: what to ask next, and when. No I/O and no clock of its own.
///
/// The rules are those of client-go's reflector, so that a thousand agents weigh on an API server like a thousand kubelets:
///
///     first list       resourceVersion=0 & limit     from the server's cache, which ignores the limit
///     list again       resourceVersion=<last seen>   from a cache that is not older; no limit, so that it is the cache
///     version unknown  no version, limit             a consistent read, in pages
///     page expired     no version, no limit          a consistent read in one piece
///     watch            from the version of the list, then of the last event or bookmark
package struct ListWatchMachine: Sendable {
    package enum Step: Equatable, Sendable {
        /// Read this page of the list.
        case list(ListQuery)
        case watch(WatchQuery)
        /// Do nothing for so long, then ask for the next step.
        case wait(Duration)
    }

    package struct ListQuery: Equatable, Sendable {
        /// Nil for a consistent read.
        package var resourceVersion: String?
        package var limit: Int?
        /// Empty for the first page: a list begins.
        package var continueToken: String

        package init(resourceVersion: String? = nil, limit: Int?, continueToken: String = "") {
            self.resourceVersion = resourceVersion
            self.limit = limit
            self.continueToken = continueToken
        }
    }

    package struct WatchQuery: Equatable, Sendable {
        package var resourceVersion: String
        package var timeoutSeconds: Int
    }

    /// How a step ended.
    package enum Outcome: Equatable, Sendable {
        /// A page was read to its end. The token is empty on the last.
        case page(resourceVersion: String, continueToken: String)
        /// The server ended a watch in an orderly way.
        case watchEnded
        case failed(RestartReason, retryAfter: Duration? = nil)
        /// This server is behind the version that was asked for.
        case versionTooLarge
    }

    /// More pages make no list: a token that leads back to itself must not keep us for ever.
    package static let maxPages = 20_000

    package let options: ReflectorOptions
    private var random: any RandomNumberGenerator & Sendable
    private var isWatching = false
    private var query: ListQuery
    private var pages = 0
    /// The version of the last list, event or bookmark; empty before the first list.
    package private(set) var resourceVersion = ""
    /// Whether the first list came in pages although a cache would not have made any: there is no cache.
    private var hasNoCache = false
    private var pause: Duration?
    /// Failures without a page or a good watch in between.
    private var listFailures = 0
    private var watchFailures = 0

    package init(_ options: ReflectorOptions = ReflectorOptions(), random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) {
        self.options = options
        self.random = random
        query = ListQuery(resourceVersion: "0", limit: options.pageSize)
    }

    /// What to do now. Each step is told how it ended, but for `.wait`.
    package mutating func next() -> Step {
        if let pause {
            self.pause = nil
            return .wait(pause)
        }
        guard isWatching else { return .list(query) }
        return .watch(WatchQuery(resourceVersion: resourceVersion, timeoutSeconds: Int.random(in: options.watchSeconds, using: &random)))
    }

    /// The version of an event or bookmark of the watch that is under way.
    package mutating func saw(_ version: String) { resourceVersion = version }

    /// How the last step ended. `isGood` says that a watch gave an event or a bookmark, or lived long enough.
    package mutating func finish(_ outcome: Outcome, isGood: Bool = false) {
        if isWatching {
            if isGood { watchFailures = 0 }
            finishWatch(outcome, isGood: isGood)
        } else {
            finishList(outcome)
        }
    }

    private mutating func finishList(_ outcome: Outcome) {
        switch outcome {
        case .page(let version, let token):
            listFailures = 0
            pages += 1
            guard token.isEmpty else {
                if query.resourceVersion == "0" { hasNoCache = true }
                guard token != query.continueToken, pages < Self.maxPages else {
                    listFailures += 1
                    return beginList(afresh: true, after: backOff(listFailures))
                }
                query = ListQuery(limit: options.pageSize, continueToken: token)
                return
            }
            resourceVersion = version
            isWatching = true
        case .failed(.expired, _), .versionTooLarge:
            // At once the first time: the next list asks for no version.
            let wasPage = !query.continueToken.isEmpty
            listFailures += 1
            beginList(afresh: true, after: listFailures == 1 ? nil : backOff(listFailures))
            if wasPage { query.limit = nil }
        case .failed(let reason, let retryAfter):
            listFailures += 1
            pause = pauseAfter(reason, retryAfter, failures: listFailures)
        case .watchEnded: preconditionFailure("a watch that ended while a list was read")
        }
    }

    private mutating func finishWatch(_ outcome: Outcome, isGood: Bool) {
        switch outcome {
        case .watchEnded:
            guard !isGood else { return }
            watchFailures += 1
            pause = backOff(watchFailures)
        case .failed(.expired, _), .versionTooLarge:
            // A list that leads to the same refusal again is not worth its version.
            let isFirst = watchFailures == 0
            watchFailures += 1
            beginList(afresh: !isFirst, after: isFirst ? nil : backOff(watchFailures))
        case .failed(.decode, _):
            // What could not be read may have been a change.
            watchFailures += 1
            beginList(afresh: false, after: backOff(watchFailures))
        case .failed(let reason, let retryAfter):
            watchFailures += 1
            let pause = pauseAfter(reason, retryAfter, failures: watchFailures)
            switch reason {
            case .notFound: beginList(afresh: true, after: pause)
            case .serverError, .refused, .throttled: if watchFailures % 5 == 0 { beginList(afresh: false, after: pause) } else { self.pause = pause }
            default: self.pause = pause
            }
        case .page: preconditionFailure("a page that was read while a watch was under way")
        }
    }

    /// `afresh` asks for the state as it is, not for one that is as new as the last.
    private mutating func beginList(afresh: Bool, after pause: Duration?) {
        isWatching = false
        pages = 0
        self.pause = pause
        if afresh {
            query = ListQuery(limit: options.pageSize)
        } else if resourceVersion.isEmpty {
            query = ListQuery(resourceVersion: "0", limit: options.pageSize)
        } else {
            query = ListQuery(resourceVersion: resourceVersion, limit: hasNoCache ? options.pageSize : nil)
        }
    }

    private mutating func pauseAfter(_ reason: RestartReason, _ retryAfter: Duration?, failures: Int) -> Duration? {
        switch reason {
        // The token is read anew for every question; it may have changed while this one was under way.
        case .unauthorized where failures == 1: nil
        case .forbidden, .refused: spread(options.forbiddenPause)
        case .notFound: spread(options.absentPause)
        default: max(backOff(failures), min(retryAfter ?? .zero, options.longestRetryAfter))
        }
    }

    private mutating func backOff(_ failures: Int) -> Duration {
        var pause = options.firstPause
        for _ in 1..<max(failures, 1) where pause < options.longestPause { pause *= 2 }
        return spread(min(pause, options.longestPause))
    }

    /// Up to as much again.
    private mutating func spread(_ pause: Duration) -> Duration { pause + pause * Double.random(in: 0..<1, using: &random) }
}

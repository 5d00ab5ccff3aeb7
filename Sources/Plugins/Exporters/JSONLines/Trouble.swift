// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Logging

/// How long to wait before a file is tried again: 250 ms, 500 ms, 1 s … 10 s. A try costs one system call.
struct Backoff {
    private static let first = Duration.milliseconds(250)
    private static let longest = Duration.seconds(10)

    private(set) var failures = 0

    mutating func next() -> Duration {
        defer { failures += 1 }
        return min(Self.first * (1 << min(failures, 10)), Self.longest)
    }
}

/// Says trouble at most once a minute, with how often it was kept quiet, and its end where its beginning was said.
struct Talk {
    private static let pause = Duration.seconds(60)
    private let log: Logger
    private var last: ContinuousClock.Instant?
    private var unsaid = 0
    private var isOpen = false

    init(_ log: Logger) { self.log = log }

    mutating func warn(_ message: Logger.Message, _ metadata: Logger.Metadata) {
        let now = ContinuousClock.now
        if let last, now - last < Self.pause { return unsaid += 1 }
        log.warning(message, metadata: metadata.merging(["unsaid": "\(unsaid)"]) { $1 })
        (last, unsaid, isOpen) = (now, 0, true)
    }

    mutating func end(_ message: Logger.Message, _ metadata: Logger.Metadata) {
        if isOpen { log.notice(message, metadata: metadata) }
        isOpen = false
    }
}

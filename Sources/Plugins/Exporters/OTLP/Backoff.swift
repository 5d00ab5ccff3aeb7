// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// How long to wait before a request is sent again: 1 s, 2 s, 4 s … 60 s, each shortened by up to half so that agents that failed
/// together do not come back together; never less than the server asked for.
struct Backoff: Sendable {
    static let first = Duration.seconds(1)
    static let longest = Duration.seconds(60)

    private(set) var failures = 0

    mutating func next(asked: Duration?, random: Double) -> Duration {
        let whole = min(Self.first * (1 << min(failures, 10)), Self.longest)
        failures += 1
        let own = whole * (0.5 + 0.5 * random)
        guard let asked else { return own }
        // On top of what was asked for, or all agents would be back at the same moment.
        return asked + min(own, Self.first)
    }

    mutating func reset() { failures = 0 }
}

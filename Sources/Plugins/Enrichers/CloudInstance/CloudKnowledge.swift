// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What is known, through attempts that tell all, some or nothing. Plain state: the requests are the caller's.
package struct CloudKnowledge: Sendable {
    package enum Change: Sendable { case nothing, pendingIsOver, facts }

    /// What was told, and over it what is set by hand.
    package private(set) var facts: CloudFacts
    /// The first attempt is on its way: whoever needs an answer may wait for it. Attempts have a limit, so this has one.
    package private(set) var isPending = false
    /// An attempt has ended, with or without answers.
    package var isTold: Bool { hadAttempt && !isPending }
    private var told = CloudFacts()
    private var hadAttempt = false
    private let byHand: [CloudField: String]

    package init(byHand: [CloudField: String]) {
        self.byHand = byHand
        facts = CloudFacts().with(byHand)
    }

    /// Which cloud it is; what it told before stays.
    package mutating func recognise(_ provider: MetadataProvider) -> Change {
        take(told.provider == provider.name ? told : CloudFacts(provider: provider))
    }

    package mutating func beginAttempt() {
        isPending = !hadAttempt
        hadAttempt = true
    }

    package mutating func endAttempt(_ reading: MetadataReading, of provider: MetadataProvider) -> Change {
        let wasPending = isPending
        isPending = false
        let change = take(reading.facts(after: told, of: provider))
        return change == .nothing && wasPending ? .pendingIsOver : change
    }

    private mutating func take(_ told: CloudFacts) -> Change {
        let before = facts
        self.told = told
        facts = told.with(byHand)
        return facts == before ? .nothing : .facts
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// How patient a reflector is. The defaults are those of Kubernetes' own clients; tests are in a hurry.
package struct ReflectorOptions: Sendable {
    /// Objects per page.
    package var pageSize = 500
    /// How long a watch may last before the server ends it; drawn anew for each, so that agents do not come all at once.
    package var watchSeconds = 300...600
    /// A watch without a byte for so long is taken for dead; bookmarks come about once a minute.
    package var watchIdle: Duration = .seconds(150)
    /// News of a watch that come within so long after others are read together: each by itself would wake two threads.
    package var watchGather: Duration = .milliseconds(100)
    /// A list without a byte for so long is given up. Servers make the text of a large list before they send its first byte.
    package var listIdle: Duration = .seconds(120)
    /// A page that takes longer is given up.
    package var listTime: Duration = .seconds(600)
    /// The first pause after a failure; it doubles up to `longestPause`, and up to as much again is added by lot.
    package var firstPause: Duration = .milliseconds(800)
    package var longestPause: Duration = .seconds(30)
    /// The pause when the server refuses for good: no right, no such resource.
    package var forbiddenPause: Duration = .seconds(60)
    package var absentPause: Duration = .seconds(300)
    /// The longest pause that a server may ask for.
    package var longestRetryAfter: Duration = .seconds(300)
    /// A watch that lived so long was a good one, even without an event.
    package var goodWatch: Duration = .seconds(5)

    package init() {}
}

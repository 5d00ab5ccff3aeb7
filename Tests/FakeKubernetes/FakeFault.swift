// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Something that goes wrong with the next answers.
package struct FakeFault: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// A refusal in place of the answer; 410 is told to watches as an event, half of the time.
        case status(Int, retryAfterSeconds: Int? = nil)
        /// The connection breaks behind so many bytes of the body.
        case cut(afterBytes: Int)
        /// So many bytes at a time, so far apart.
        case slow(bytes: Int, everyMilliseconds: Int)
        /// The head, and nothing more.
        case silence
        /// These bytes in front of the body.
        case garbage(String)
        /// A page of somebody else, with 200.
        case html
    }

    package enum Target: String, Hashable, Sendable, CaseIterable { case any, list, watch }

    package var kind: Kind
    package var target: Target
    /// `pods`; nil for all.
    package var plural: String?
    /// How many answers it meets.
    package var times: Int

    package init(_ kind: Kind, on target: Target = .any, of plural: String? = nil, times: Int = 1) {
        self.kind = kind
        self.target = target
        self.plural = plural
        self.times = times
    }
}

/// What a fake API server answers.
package struct FakeAnswer: Sendable {
    package enum Body: Sendable {
        case whole([UInt8])
        case watch(FakeWatch)
    }

    package var status: Int
    package var retryAfterSeconds: Int?
    package var body: Body
    /// What happens to the body on its way.
    package var fault: FakeFault.Kind?

    package init(_ status: Int, _ body: Body) {
        self.status = status
        self.body = body
    }
}

/// A watch that is under way.
package struct FakeWatch: Sendable {
    package var resource: FakeResource
    package var selection: FakeSelection
    package var metadataOnly: Bool
    /// What its client knows.
    package var version: Int
    package var wantsBookmarks: Bool
    package var timeoutSeconds: Int
    package var isOver = false
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What a DNS server says of the names of an address.
public enum PointerAnswer: Sendable, Equatable {
    /// Host names, lower case, without the dot at the end, each once and in alphabetical order. `refused` more were no host names
    /// (see `HostName`), so that there may be none. They hold for `ttl`: 0 to 68 years.
    case names([String], refused: Int, ttl: Duration)
    /// The address has no name. It will not have one for `ttl`, where the server says so.
    case none(ttl: Duration?)
    case failed(DNSFailure)
}

/// Why there is no answer. The raw values are labels of metrics.
public enum DNSFailure: String, Sendable, CaseIterable {
    /// No server answered in time.
    case timeout
    /// No way leads to a server, or nobody listens there.
    case unreachable
    /// The server will not answer us, or not such questions (REFUSED, NOTIMP).
    case refused
    /// The server tried and failed (SERVFAIL, or any other complaint).
    case servfail
    /// The answer could not be read, or answers something else.
    case malformed
    /// The question was not sent: too many were open, or the machine had no memory or sockets.
    case busy
    /// The task that asked was cancelled.
    case cancelled

    /// Whether a server said something, be it a refusal.
    public var isFromServer: Bool {
        switch self {
        case .refused, .servfail, .malformed: true
        case .timeout, .unreachable, .busy, .cancelled: false
        }
    }
}

/// An answer, and what it cost.
public struct PointerReply: Sendable, Equatable {
    public var answer: PointerAnswer
    /// Messages that were sent for it; the repeat over TCP of a truncated one is not counted.
    public var messages: Int

    public init(_ answer: PointerAnswer, messages: Int) {
        self.answer = answer
        self.messages = messages
    }
}

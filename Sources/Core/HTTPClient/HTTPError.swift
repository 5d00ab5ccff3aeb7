// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Why an exchange failed.
public struct HTTPError: Error, CustomStringConvertible {
    /// Few words, fit for a metric's label.
    public enum Reason: String, Sendable, CaseIterable {
        /// The request itself is wrong: its URL, a header, the method.
        case url
        /// The host's name has no address, or nobody says which.
        case resolve
        /// No connection came about.
        case connect
        /// A certificate or key was refused, by either side or as a file, or the two have no common language.
        case tls
        /// One of the request's time limits has passed.
        case timeout
        /// The connection broke.
        case reset
        /// The server ended the connection before the answer was whole.
        case closed
        /// A limit of the request for heads, bodies or lines.
        case tooLarge = "too_large"
        /// Too many redirects, or one to where no request of this kind goes.
        case redirect
        /// What came is no HTTP/1.1.
        case protocolError = "protocol"
        /// The task was cancelled, or the stream was.
        case cancelled
        /// As many requests as `HTTPClientOptions` allows wait already.
        case busy
    }

    public let reason: Reason
    /// Finishes "could not …". Has the URL without its query, and no header.
    public let description: String

    public init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }

    static let cancelled = HTTPError(.cancelled, "go on: the request was cancelled")
}

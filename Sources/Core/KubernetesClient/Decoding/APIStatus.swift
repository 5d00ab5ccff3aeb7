// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What an API server says where it gives no object: the bodies of refusals, and `ERROR` events.
struct APIStatus: Hashable, Sendable {
    var code = 0
    /// `Expired`, `TooManyRequests`.
    var reason = ""
    /// For people; at most 8 KiB.
    var message = ""
    var retryAfterSeconds: Int?

    /// The version that was asked for is older than what the server remembers, or the token of a page is.
    var isExpired: Bool { code == 410 }

    /// This server is behind the one that named the version.
    var isVersionTooLarge: Bool { code == 504 && message.contains("Too large resource version") }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What a reflector tells its receiver, in order.
///
/// A receiver keeps one table and one generation: `.beginList` makes a new generation, `.put` marks what it touches with it, and
/// `.endList` sweeps what the generation did not touch. So nothing is forgotten while a list is under way, and the client needs
/// no table of its own.
///
///     beginList  put put … put  endList  caughtUp  put delete put …  (410)  beginList  put … put  endList  caughtUp …
///                                                                           └ cut: beginList again, without an endList
package enum ReflectorEvent<Object: KubernetesObject>: Sendable {
    /// A list begins, the first or one more. One that was under way is void: no `.endList` follows for it.
    case beginList
    /// The object as it is now, new or changed. May say again what is known. An object that cannot be read is counted and not said.
    case put(Object)
    /// The object is gone. Its uid tells whether a newer one has taken its name.
    case delete(ObjectIdentity)
    /// The list was read to its end: what it did not name is gone.
    case endList
    /// Changes now arrive as they happen. Once per `.endList`, and again when trouble is over.
    case caughtUp
}

extension ReflectorEvent: Equatable where Object: Equatable {}

/// How fresh a reflector's knowledge is.
package struct ReflectorHealth: Sendable {
    /// When the last whole list was read; nil before the first.
    package var lastList: ContinuousClock.Instant?
    /// When the server last said something of the resource, a bookmark included; nil before the first word. A refusal says nothing of it.
    package var lastContact: ContinuousClock.Instant?
    /// Whether the server said last that this is not for us to read (403), or that there is no such resource (404).
    package var isRefused = false
    /// Since when nothing works; nil while all is well, and before the first attempt.
    package var failingSince: ContinuousClock.Instant?
    /// Why, as a sentence without the server's secrets; empty while all is well.
    package var trouble: String = ""
    /// The newest version of the resource that was seen; empty before the first list.
    package var resourceVersion: String = ""
    /// When that version was new: a bookmark renews it about once a minute.
    package var resourceVersionSince: ContinuousClock.Instant?

    package init() {}
}

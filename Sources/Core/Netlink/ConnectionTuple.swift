// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// Who sends to whom, as one packet says it: what the kernel knows a connection by.
public struct ConnectionTuple: Hashable, Sendable {
    public var source: IPAddress
    public var destination: IPAddress
    public var sourcePort: UInt16
    public var destinationPort: UInt16
    /// The IP protocol number: 6 TCP, 17 UDP, …
    public var transport: UInt8

    public init(_ source: IPAddress, _ sourcePort: UInt16, _ destination: IPAddress, _ destinationPort: UInt16, transport: UInt8) {
        self.source = source
        self.destination = destination
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.transport = transport
    }

    /// The tuple of a packet that answers.
    public var inverse: ConnectionTuple { ConnectionTuple(destination, destinationPort, source, sourcePort, transport: transport) }
}

/// A connection as the kernel tracks it.
///
/// A client at C dials S; S is translated to the backend B, and the client is masqueraded as M:
/// ```
///           before this host       after it
/// there     original  C → S        inverse of reply     M → B
/// back      inverse of original    reply    B → M
///           S → C
/// ```
/// So the real ends are the sources of the two tuples.
public struct TrackedConnection: Hashable, Sendable {
    /// A packet of the one who opened it, as it came.
    public var original: ConnectionTuple
    /// What an answer looks like when it comes.
    public var reply: ConnectionTuple
    /// It is TCP whose handshake was not seen (it is older than the tracking, or was deleted), or one that a flow table has taken over:
    /// `original` is then the direction of some packet, and need not be that of the one who opened it.
    public var isPickedUp: Bool

    public init(original: ConnectionTuple, reply: ConnectionTuple, isPickedUp: Bool = false) {
        self.original = original
        self.reply = reply
        self.isPickedUp = isPickedUp
    }

    /// Some address or port is another behind this host than before it.
    public var isTranslated: Bool { reply != original.inverse }
}

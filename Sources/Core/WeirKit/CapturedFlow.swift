// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One flow of one window as the capture hands it over: addresses, not yet names.
///
/// A plain value without references: batches of it are reused, and copying one allocates nothing.
/// A field that the plan did not ask the kernel for is zero.
public struct CapturedFlow: Sendable {
    public var source: IPAddress
    public var destination: IPAddress
    /// The local owner of each end: the id of the cgroup of its socket, or 0 where the capture cannot know.
    public var sourceOwner: UInt64 = 0
    public var destinationOwner: UInt64 = 0
    /// Layer-3 bytes (see `CountMode`) and packets of the window: of those that were sampled, not scaled.
    public var bytes: UInt64
    public var packets: UInt64
    /// The address that the initiator dialled, where this host translates it to the one that answers; else zero.
    public var service = IPAddress(high: 0, low: 0)
    /// The interface that counted the flow, in the agent's network namespace; 0 for sockets.
    public var interfaceIndex: UInt32 = 0
    /// For ICMP and ICMPv6 the source port is the type and the destination port the code.
    public var sourcePort: UInt16 = 0
    public var destinationPort: UInt16 = 0
    /// The IP protocol number: 6 TCP, 17 UDP, …
    public var transport: UInt8 = 0
    public var observer: Observer
    /// The end that `service` was dialled for.
    public var serviceEnd = End.destination
    /// Whether each address is one of this host's own, as its interfaces have them.
    public var sourceIsHost = false
    public var destinationIsHost = false
    public var initiator: Initiator = .unknown
    public var initiatorSource: InitiatorSource = .none

    public init(source: IPAddress, destination: IPAddress, bytes: UInt64, packets: UInt64, observer: Observer) {
        self.source = source
        self.destination = destination
        self.bytes = bytes
        self.packets = packets
        self.observer = observer
    }

    /// Whether `serviceEnd` was dialled by another address than its own.
    public var hasService: Bool { service.high | service.low != 0 }
}

/// Where the flow was seen, from this host's point of view (Istio calls it reporter).
public enum Observer: UInt8, Sendable, CaseIterable {
    /// The sender is on this host, the receiver is not.
    case source
    /// The receiver is on this host, the sender is not.
    case destination
    /// Both ends are on this host.
    case both
    /// The host only passes it on.
    case transit
}

/// Which end opened the connection.
public enum Initiator: UInt8, Sendable, CaseIterable {
    case unknown, source, destination
}

/// How the initiator is known: the answers in falling order of trust.
public enum InitiatorSource: UInt8, Sendable, CaseIterable {
    case none
    /// A SYN or a SYN-ACK was seen, now or in an earlier window.
    case handshake
    /// The kernel's connection tracking knows in which direction it began.
    case conntrack
    /// One end is a local listening socket.
    case listener
    /// The lower port is taken to be the server's.
    case port
}

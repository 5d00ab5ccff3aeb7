// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What the capture's bounded memories turned away or dropped since it started. Nothing of it changes how many bytes
/// count, but for senders and receivers, where a packet may count twice.
public struct CaptureLimits: Sendable, Equatable {
    /// Senders not remembered: what they send to this host may count at both ends.
    public internal(set) var senders: UInt64 = 0
    /// Packets for several receivers whose copies were not told apart: each of them counts.
    public internal(set) var receivers: UInt64 = 0
    /// Addresses of containers not remembered: an observer may be told wrong.
    public internal(set) var addresses: UInt64 = 0
    /// Sockets forgotten: a receiver's owner is missing.
    public internal(set) var owners: UInt64 = 0
    /// Connections forgotten: their initiator is guessed from ports.
    public internal(set) var initiators: UInt64 = 0
    /// Ends of tunnels that found no room: packets count inside and outside.
    public internal(set) var tunnelEnds: UInt64 = 0
    /// Pairs of connection tracking forgotten: the kernel is asked for them again.
    public internal(set) var translations: UInt64 = 0
    /// Listening sockets, and network namespaces with all of theirs, that found no room when they were last looked at, summed over looks: the
    /// initiator of connections to them is guessed from ports.
    public internal(set) var listeners: UInt64 = 0

    /// Each with its name, as metrics say it.
    public var counts: [(what: String, count: UInt64)] {
        [
            ("senders", senders), ("receivers", receivers), ("addresses", addresses), ("owners", owners), ("initiators", initiators),
            ("tunnel_ends", tunnelEnds),
            ("translations", translations), ("listeners", listeners),
        ]
    }
}

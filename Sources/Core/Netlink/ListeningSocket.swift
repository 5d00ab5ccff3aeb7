// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// A socket that waits for others to begin: a listening one, or one of UDP that is bound and not connected.
public struct ListeningSocket: Hashable, Sendable {
    /// 0.0.0.0 (any of IPv4) and :: (any at all, as far as the socket does not refuse IPv4) are wildcards.
    public var address: IPAddress
    public var port: UInt16
    /// The IP protocol number: 6 TCP, 17 UDP, …
    public var transport: UInt8

    public init(_ address: IPAddress, _ port: UInt16, transport: UInt8) {
        self.address = address
        self.port = port
        self.transport = transport
    }

    public static let anyIPv4 = IPAddress(ipv4: 0)
    public static let any = IPAddress(high: 0, low: 0)

    public var isWildcard: Bool { address == Self.anyIPv4 || address == Self.any }
}

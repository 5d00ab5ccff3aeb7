// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CPacketParser
package import WeirKit

/// What the parser says of one packet.
package struct ParsedPacket: Sendable, Equatable {
    package var verdict: Verdict
    /// What the packet counts as, whatever the verdict: seen and left out is in the book too.
    package var bytes: UInt64
    package var packets: UInt64
    /// The key of one that counts; else zero.
    package var source = IPAddress(high: 0, low: 0)
    package var destination = IPAddress(high: 0, low: 0)
    package var sourcePort: UInt16 = 0
    package var destinationPort: UInt16 = 0
    package var transport: UInt8 = 0
    package var handshake: Handshake = []
    /// Nil for a datagram as a whole.
    package var fragment: Fragment?

    /// Which datagram a fragment belongs to, and whether it is the one with the transport header.
    package struct Fragment: Sendable, Equatable {
        package var identification: UInt32
        /// The transport that all of them name; 0 for IPv6, where they need not agree on what follows.
        package var transport: UInt8
        package var isFirst: Bool
    }

    package enum Verdict: UInt8, Sendable {
        case counted
        /// Neither IPv4 nor IPv6.
        case nonIP
        /// Too short for its IP header, or a header that contradicts itself.
        case malformed
    }

    /// How a TCP connection begins; the bits of `enum flow_flag`.
    package struct Handshake: OptionSet, Sendable {
        package var rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// SYN without ACK: the source opened.
        package static let syn = Handshake(rawValue: CPacketParser_syn.rawValue)
        /// SYN with ACK: the source answered.
        package static let synAck = Handshake(rawValue: CPacketParser_syn_ack.rawValue)
    }
}

extension ParsedPacket {
    init(_ parsed: CPacketParser_parsed) {
        verdict =
            switch CPacketParser_verdict(UInt32(parsed.verdict)) {
            case CPacketParser_counted: .counted
            case CPacketParser_non_ip: .nonIP
            default: .malformed
            }
        bytes = parsed.bytes
        packets = parsed.packets
        source = IPAddress(high: parsed.src_high, low: parsed.src_low)
        destination = IPAddress(high: parsed.dst_high, low: parsed.dst_low)
        sourcePort = parsed.src_port
        destinationPort = parsed.dst_port
        transport = parsed.protocol
        handshake = Handshake(rawValue: parsed.flags)
        if parsed.part != CPacketParser_whole.rawValue {
            fragment = Fragment(
                identification: parsed.identification, transport: parsed.fragment_protocol, isFirst: parsed.part == CPacketParser_first.rawValue)
        }
    }
}

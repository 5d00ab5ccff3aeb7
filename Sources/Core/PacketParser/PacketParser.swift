// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CPacketParser

/// The parser of `bpf/parse.h`, the same C, over bytes in memory.
package struct PacketParser: Sendable {
    private let rules: CPacketParser_rules

    /// What is not asked for stays zero, as in the kernel's key. `kernelLengths`: count the length of the packet, link header
    /// included, instead of its layer 3.
    package init(transport: Bool = true, ports: Bool = true, initiator: Bool = false, kernelLengths: Bool = false) {
        rules = CPacketParser_rules(
            want_protocol: transport, want_ports: ports, want_initiator: initiator, kernel_lengths: kernelLengths)
    }

    /// Reads a packet. Called once per packet; any bytes will do.
    package func parse(_ bytes: Span<UInt8>, _ shape: PacketShape) -> ParsedPacket {
        let given = CPacketParser_packet(
            captured: UInt32(clamping: bytes.count), length: shape.wireLength, link_header: shape.linkHeader, gso_size: shape.segmentSize,
            gso_segments: shape.segments, protocol: shape.etherType)
        // The C side reads at most `captured` bytes, before it returns.
        let parsed = unsafe bytes.withUnsafeBufferPointer { unsafe CPacketParser_parse($0.baseAddress, given, rules) }
        return ParsedPacket(parsed)
    }
}

/// What is known of a packet beside its bytes.
package struct PacketShape: Sendable {
    /// Bytes on the wire from the same place on; where a capture cut the packet, more than there are.
    package var wireLength: UInt32
    /// Bytes before layer 3, in-band VLAN tags excluded. 0: the packet begins with layer 3, and tags are not looked for.
    package var linkHeader: UInt32
    /// What stands behind the link header: 0x0800 IPv4, 0x86dd IPv6, 0x8100 a tag.
    package var etherType: UInt16
    /// Of a super-packet: `gso_size` and `gso_segs`.
    package var segmentSize: UInt32 = 0
    package var segments: UInt32 = 0

    package init(wireLength: UInt32, linkHeader: UInt32, etherType: UInt16) {
        self.wireLength = wireLength
        self.linkHeader = linkHeader
        self.etherType = etherType
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture
package import PacketParser
internal import WeirCapture
internal import WeirKit

/// The ports of datagrams that came in fragments: `bpf/fragments.h` for packet files, with the same limits.
package struct FragmentTable: Sendable {
    private struct Datagram: Hashable, Sendable {
        var source: IPAddress
        var destination: IPAddress
        var identification: UInt32
        var transport: UInt8
    }
    /// What the first fragment says for those that have no transport header.
    private struct First: Sendable {
        var time: UInt64
        var sourcePort: UInt16
        var destinationPort: UInt16
        var transport: UInt8
    }
    private var datagrams = RecentMemory<Datagram, First>(limit: 2 * Int(FLOW_DATAGRAMS))

    package init() {}

    /// Gives a fragment the ports of its first. False where it stays without: the first is not known, comes later, or was too long
    /// ago. `time`: nanoseconds of the packet. Called once per fragment.
    package mutating func join(_ packet: inout ParsedPacket, _ fragment: ParsedPacket.Fragment, at time: UInt64) -> Bool {
        let datagram = Datagram(
            source: packet.source, destination: packet.destination, identification: fragment.identification, transport: fragment.transport)
        guard !fragment.isFirst else {
            datagrams[datagram] = First(
                time: time, sourcePort: packet.sourcePort, destinationPort: packet.destinationPort, transport: packet.transport)
            return true
        }
        // A file's clock may go back.
        guard let first = datagrams[datagram], time < first.time || time - first.time <= FLOW_DATAGRAM_NANOSECONDS else { return false }
        packet.sourcePort = first.sourcePort
        packet.destinationPort = first.destinationPort
        packet.transport = first.transport
        return true
    }
}

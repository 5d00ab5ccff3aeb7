// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture
internal import PacketFile
internal import PacketParser
internal import WeirCapture
internal import WeirKit

/// The kernel's flow map, in user space: what the plan does not need is zero in every key.
struct FlowTable: Sendable {
    /// Who with whom, and which way.
    struct Key: Hashable, Sendable {
        var source: IPAddress
        var destination: IPAddress
        var ports: UInt32
        var interfaceIndex: UInt32
        var transport: UInt8
        var direction: LinkLayer.Direction
    }
    struct Value: Sendable {
        var bytes: UInt64 = 0
        var packets: UInt64 = 0
        var handshake: ParsedPacket.Handshake = []
    }
    private var values: [Key: Value] = [:]
    /// Flows that there is room for.
    let limit: Int

    init(limit: Int) { self.limit = max(1, limit) }

    var isEmpty: Bool { values.isEmpty }

    /// Whether a packet with this key needs room that there is none of. Once per packet.
    func isFull(for key: Key) -> Bool { values.count >= limit && values[key] == nil }

    mutating func add(_ packet: ParsedPacket, _ key: Key) {
        values[key, default: Value()].add(packet)
    }

    /// Empties the table: its rows by key.
    mutating func take() -> [(Key, Value)] {
        let rows = values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        values.removeAll(keepingCapacity: true)
        return rows
    }
}

extension FlowTable.Value {
    mutating func add(_ packet: ParsedPacket) {
        bytes += packet.bytes
        packets += packet.packets
        handshake.formUnion(packet.handshake)
    }
}

extension FlowTable.Key: Comparable {
    static func < (a: Self, b: Self) -> Bool {
        if a.source != b.source { return a.source < b.source }
        if a.destination != b.destination { return a.destination < b.destination }
        return (a.transport, a.ports, a.interfaceIndex, a.direction.rawValue) < (b.transport, b.ports, b.interfaceIndex, b.direction.rawValue)
    }
}

extension capture_row {
    /// The row that the kernel's map would have held, for what reads those.
    init(_ key: FlowTable.Key, _ value: FlowTable.Value) {
        self.init(
            src_high: key.source.high, src_low: key.source.low, dst_high: key.destination.high, dst_low: key.destination.low, cgroup: 0,
            bytes: value.bytes, packets: value.packets, ifindex: key.interfaceIndex, flags: value.handshake.rawValue,
            src_port: UInt16(key.ports >> 16), dst_port: UInt16(key.ports & 0xffff), receiver: 0, hook: UInt8(FLOW_THROUGH.rawValue),
            protocol: key.transport)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Rows that wait for an answer: first in, first out, bounded. They wait as captured, so that they pin no endpoint.
struct HoldBuffer: ~Copyable {
    private var flows: [CapturedFlow] = []
    private var deadlines: [UInt64] = []
    private var head = 0
    private let limit: Int
    private(set) var bytes: UInt64 = 0
    private(set) var packets: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    var count: Int { flows.count - head }
    var isFull: Bool { count >= limit }

    mutating func push(_ flow: CapturedFlow, until deadline: UInt64) {
        flows.append(flow)
        deadlines.append(deadline)
        bytes += flow.bytes
        packets += flow.packets
    }

    /// Moves the rows whose time has come, at most `maximum`, to `due`; the oldest first. `deadline` .max takes any.
    mutating func pop(dueBy deadline: UInt64, atMost maximum: Int, into due: inout [CapturedFlow]) {
        while head < flows.count, due.count < maximum, deadlines[head] <= deadline {
            bytes -= flows[head].bytes
            packets -= flows[head].packets
            due.append(flows[head])
            head += 1
        }
        // The space in front is given back when it is the larger half: each row moves at most once.
        if head * 2 > flows.count {
            flows.removeFirst(head)
            deadlines.removeFirst(head)
            head = 0
        }
    }
}

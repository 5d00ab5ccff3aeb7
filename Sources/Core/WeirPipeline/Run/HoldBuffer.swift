// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// What the rows of a batch have in common: when they were counted, and how many packets each one counted stands for.
struct RowOrigin: Sendable, Equatable {
    /// In nanoseconds since 1970.
    var window: Range<UInt64>
    var samplingRate: UInt32
}

/// Rows that wait for an answer: first in, first out. They wait as captured, so that they pin no endpoint, with their origin.
package struct HoldBuffer: ~Copyable {
    private var flows: [CapturedFlow] = []
    private var deadlines: [UInt64] = []
    private var origins: [RowOrigin] = []
    private var head = 0
    private(set) var bytes: UInt64 = 0
    private(set) var packets: UInt64 = 0

    package init() {}

    var count: Int { flows.count - head }

    mutating func push(_ flow: CapturedFlow, until deadline: UInt64, from origin: RowOrigin) {
        flows.append(flow)
        deadlines.append(deadline)
        origins.append(origin)
        bytes &+= flow.bytes
        packets &+= flow.packets
    }

    /// No row waits longer: who is pushed with this deadline or a later one stands behind none that has more time.
    mutating func cap(_ deadline: UInt64) { for index in head..<deadlines.count { deadlines[index] = min(deadlines[index], deadline) } }

    /// Moves the oldest rows of one origin to `due`, those whose deadline is not after `deadline` and at most `maximum`;
    /// their origin, or nil when there are none.
    mutating func pop(dueBy deadline: UInt64, atMost maximum: Int, into due: inout [CapturedFlow]) -> RowOrigin? {
        due.removeAll(keepingCapacity: true)
        guard count > 0, maximum > 0, deadlines[head] <= deadline else { return nil }
        let origin = origins[head]
        while head < flows.count, due.count < maximum, deadlines[head] <= deadline, origins[head] == origin {
            bytes &-= flows[head].bytes
            packets &-= flows[head].packets
            due.append(flows[head])
            head += 1
        }
        // The space in front is given back when it is the larger half: each row moves at most once.
        if head * 2 > flows.count {
            flows.removeFirst(head)
            deadlines.removeFirst(head)
            origins.removeFirst(head)
            head = 0
        }
        return origin
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Rows that wait for an answer: first in, first out. They wait as captured, so that they pin no endpoint, with the window
/// in which they were counted.
struct HoldBuffer: ~Copyable {
    private var flows: [CapturedFlow] = []
    private var deadlines: [UInt64] = []
    private var windows: [Range<UInt64>] = []
    private var head = 0
    private(set) var bytes: UInt64 = 0
    private(set) var packets: UInt64 = 0

    var count: Int { flows.count - head }

    mutating func push(_ flow: CapturedFlow, until deadline: UInt64, window: Range<UInt64>) {
        flows.append(flow)
        deadlines.append(deadline)
        windows.append(window)
        bytes &+= flow.bytes
        packets &+= flow.packets
    }

    /// Moves the oldest rows of one window to `due`, those whose deadline is not after `deadline` and at most `maximum`;
    /// their window, or nil when there are none.
    mutating func pop(dueBy deadline: UInt64, atMost maximum: Int, into due: inout [CapturedFlow]) -> Range<UInt64>? {
        due.removeAll(keepingCapacity: true)
        guard count > 0, maximum > 0, deadlines[head] <= deadline else { return nil }
        let window = windows[head]
        while head < flows.count, due.count < maximum, deadlines[head] <= deadline, windows[head] == window {
            bytes &-= flows[head].bytes
            packets &-= flows[head].packets
            due.append(flows[head])
            head += 1
        }
        // The space in front is given back when it is the larger half: each row moves at most once.
        if head * 2 > flows.count {
            flows.removeFirst(head)
            deadlines.removeFirst(head)
            windows.removeFirst(head)
            head = 0
        }
        return window
    }
}

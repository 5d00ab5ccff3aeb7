// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// What the flows of one input add up to. Counters are 64 bits wide: an input that would turn one over is refused where it
/// does, instead of being counted wrong everywhere behind.
struct FlowTotal: Sendable {
    /// Sums reach this nowhere: half of what a counter holds, so that sums of two need no care.
    static let limit: UInt64 = 1 << 63

    let limit: UInt64

    private(set) var bytes: UInt64 = 0
    private(set) var packets: UInt64 = 0

    init(limit: UInt64 = limit) { self.limit = limit }

    /// Adds a flow; where its bytes or packets would reach the limit, says which and adds nothing.
    mutating func add(_ flow: CapturedFlow) -> FlowField? {
        guard let bytes = sum(bytes, flow.bytes) else { return .bytes }
        guard let packets = sum(packets, flow.packets) else { return .packets }
        (self.bytes, self.packets) = (bytes, packets)
        return nil
    }

    private func sum(_ a: UInt64, _ b: UInt64) -> UInt64? {
        let (sum, isOver) = a.addingReportingOverflow(b)
        return isOver || sum >= limit ? nil : sum
    }
}

extension String {
    /// As it is shown where it means nothing: whole, or its beginning and `…`.
    var shortened: String { utf8.count <= Self.longestValue ? self : cleaned + "…" }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import CWeirCapture

/// What lies beside pinned maps and says how to read them, whatever plan the process had that made them.
package struct PinLayout: Sendable {
    package let record: capture_layout

    package init(_ record: capture_layout) { self.record = record }

    /// What the bytes of keys, values, events and books mean to this program; maps that were made under another number are foreign.
    package static var abi: UInt64 { capture_abi() }

    /// Sockets see a local packet twice, devices do not: rows of the two are read in different ways.
    var isSockets: Bool { record.sockets != 0 }

    /// Of so many packets one was counted.
    package var samplingRate: UInt32 {
        let below = UInt64(record.config.sample_below)
        return below == 0 ? 1 : UInt32(((1 << 32) + below / 2) / below)
    }

    var shape: MapShape { MapShape(record) }

    /// `plan`, less what the old keys and values do not tell.
    func restricting(_ plan: CapturePlan) -> CapturePlan {
        var plan = plan
        plan.owner = plan.owner && record.config.want_owner != 0
        plan.initiator = plan.initiator && record.config.want_initiator != 0
        return plan
    }
}

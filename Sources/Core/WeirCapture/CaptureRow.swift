// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import CWeirCapture
package import WeirKit

// What the C side's rows mean.

extension capture_row {
    package var source: IPAddress { IPAddress(high: src_high, low: src_low) }
    package var destination: IPAddress { IPAddress(high: dst_high, low: dst_low) }
    package var amount: Amount { Amount(bytes: bytes, packets: packets) }
    package var flowHook: flow_hook { flow_hook(UInt32(hook)) }
    package var isSocketIn: Bool { flowHook == FLOW_SOCKET_IN }
    package var isSocketOut: Bool { flowHook == FLOW_SOCKET_OUT }
}

extension CapturedFlow {
    /// What the row says by itself; owners, observer and initiator follow from more than one row.
    package init(_ row: capture_row, observer: Observer) {
        self.init(
            source: row.source, destination: row.destination, bytes: row.bytes, packets: row.packets, observer: observer)
        interfaceIndex = row.ifindex
        sourcePort = row.src_port
        destinationPort = row.dst_port
        transport = row.protocol
    }
}

extension RowTranslation {
    /// Tells the flow what is known beside its real ends.
    @inline(__always)
    func complete(_ flow: inout CapturedFlow) {
        guard answer == .translated else { return }
        flow.service = service
        flow.serviceEnd = serviceEnd
        // Who dialled this host's address was answered by it, as far as the next host can tell: no other agent counts the flow.
        if isRelayed, flow.observer == .transit { flow.observer = .destination }
    }
}

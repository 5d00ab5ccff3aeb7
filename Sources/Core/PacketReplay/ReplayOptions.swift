// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PacketParser
package import WeirCapture
package import WeirKit

/// How a packet file is turned into windows of flows.
package struct ReplayOptions: Sendable {
    /// `capture.window`; windows end at its whole multiples since 1970, as the live agent's do.
    package var window: Duration
    /// Key fields, handshakes, room for flows and what counts as bytes. Where packets are seen (source, flavor, interfaces, owner) was
    /// decided when the file was made.
    package var capture: CapturePlan
    /// The addresses of the host that captured. Empty: the file's packet types say where a packet was going, where it has them.
    package var local: [CIDR]

    package init(window: Duration = .seconds(5), capture: CapturePlan = CapturePlan(), local: [CIDR] = []) {
        self.window = window
        self.capture = capture
        self.local = local
    }

    var windowNanoseconds: UInt64 {
        let (seconds, attoseconds) = window.components
        guard seconds >= 0, attoseconds >= 0, seconds < 9_223_372_036 else { return seconds < 0 ? 1 : 9_223_372_036_000_000_000 }
        return max(1, UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000)
    }

    var parser: PacketParser {
        PacketParser(
            transport: capture.needsTransport, ports: capture.needsPorts, initiator: capture.initiator,
            kernelLengths: capture.countMode == .kernel)
    }
}

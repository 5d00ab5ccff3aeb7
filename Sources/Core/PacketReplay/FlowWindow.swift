// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirCapture
package import WeirKit

/// What the capture would have handed over at one drain.
package struct FlowWindow: Sendable {
    /// Nanoseconds since 1970: from the window's begin to its end, or to the last packet when it is handed on early.
    package var range: Range<UInt64>
    /// The table was full before the window was over: the rest of it follows, and nothing of it is in here.
    package var isEarly: Bool
    /// By key, so that the same packets make the same list.
    package var flows: [CapturedFlow]
    /// Where every packet went: `seen = inMap + Σ notCounted`, to the byte.
    package var book: KernelBook
    /// Names by interface number; packet files do not say them.
    package var interfaceNames: [UInt32: String]
}

/// What a file held, as far as it was read.
package struct PacketSummary: Sendable, Equatable {
    /// As tcpdump says it: EN10MB, LINUX_SLL, …
    package var linkType: String
    package var packets: UInt64 = 0
    /// Packets older than the window that was open when they came; they count there, never back.
    package var late: UInt64 = 0
    /// The packet behind which most of them came; nil without any.
    package var leap: Leap?
    /// Windows that were handed on before their end, because the table was full.
    package var earlyWindows: UInt64 = 0
    /// The smallest and the largest time stamp, nanoseconds since 1970; nil without packets.
    package var times: ClosedRange<UInt64>?

    /// A packet whose time stamp opened a window, and packets older than that.
    package struct Leap: Sendable, Equatable {
        /// From 1, in the order of the file.
        package var packet: UInt64
        package var late: UInt64
    }

    /// Whether so many are late that no packets out of order explain it, but a clock that was wrong: more than one in ten.
    package var isMostlyLate: Bool { late > packets / 10 && late >= 10 }
}

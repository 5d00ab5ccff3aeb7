// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Bytes and packets.
public struct Amount: Sendable, Equatable {
    public var bytes: UInt64
    public var packets: UInt64

    public init(bytes: UInt64 = 0, packets: UInt64 = 0) {
        self.bytes = bytes
        self.packets = packets
    }

    public static func + (a: Amount, b: Amount) -> Amount { Amount(bytes: a.bytes + b.bytes, packets: a.packets + b.packets) }
    public static func += (a: inout Amount, b: Amount) { a = a + b }
}

/// Why a packet that should have been counted is in neither map nor ring.
public enum OverflowReason: Int, Sendable, CaseIterable {
    case mapFull, ringFull, busy, noMemory

    /// As metrics say it.
    public var name: String { ["map_full", "ring_full", "busy", "no_memory"][rawValue] }
}

/// Why a packet was seen and rightly left out.
public enum NotCountedReason: Int, Sendable, CaseIterable {
    case duplicate, local, copy, tunnel, unsampled, interface, nonIP, malformed

    /// As metrics say it.
    public var name: String {
        ["duplicate", "local", "copy", "tunnel", "unsampled", "interface", "non_ip", "malformed"][rawValue]
    }
}

/// Where every packet of a drain went: `seen = inMap + inRing + Σ overflow + Σ notCounted`, to the byte.
///
/// The kernel wrote `seen`, `overflow` and `notCounted`; `inMap` and `inRing` are what was read. So the law can
/// fail, and a test that holds means something.
public struct KernelBook: Sendable {
    public var seen = Amount()
    public var inMap = Amount()
    public var inRing = Amount()
    /// Fragments among them that count without ports, as nobody knows the first one of their datagram.
    public var orphanFragments: UInt64 = 0
    var overflows = InlineArray<4, Amount>(repeating: Amount())
    var exclusions = InlineArray<8, Amount>(repeating: Amount())
    /// Of what was counted: whose ends were rewritten, and whose could not be looked up.
    public internal(set) var translations = TranslationBook()
    /// Of all that: what processes before had counted.
    public internal(set) var takeover = TakeoverBook()

    public init() {}

    public subscript(reason: OverflowReason) -> Amount {
        get { overflows[reason.rawValue] }
        set { overflows[reason.rawValue] = newValue }
    }

    public subscript(reason: NotCountedReason) -> Amount {
        get { exclusions[reason.rawValue] }
        set { exclusions[reason.rawValue] = newValue }
    }

    /// What the flows handed over add up to.
    public var counted: Amount { inMap + inRing }
    public var overflow: Amount { OverflowReason.allCases.reduce(into: Amount()) { $0 += self[$1] } }
    public var notCounted: Amount { NotCountedReason.allCases.reduce(into: Amount()) { $0 += self[$1] } }

    /// Seen minus all that is accounted for: zero, or the book has a hole.
    public var imbalance: (bytes: Int64, packets: Int64) {
        let rest = counted + overflow + notCounted
        return (Int64(bitPattern: seen.bytes &- rest.bytes), Int64(bitPattern: seen.packets &- rest.packets))
    }

    public var isBalanced: Bool { imbalance == (0, 0) }

    public static func += (sum: inout KernelBook, more: KernelBook) {
        sum.seen += more.seen
        sum.inMap += more.inMap
        sum.inRing += more.inRing
        sum.orphanFragments += more.orphanFragments
        for reason in OverflowReason.allCases { sum[reason] += more[reason] }
        for reason in NotCountedReason.allCases { sum[reason] += more[reason] }
        sum.translations += more.translations
        sum.takeover += more.takeover
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture
internal import PacketFile
internal import PacketParser
internal import WeirCapture
internal import WeirKit

/// Puts packets into the window that is open and closes it when a packet of a later one comes.
///
/// A plain state machine: after each `add` there may be one window in `ready`.
struct WindowBuilder: Sendable {
    private let length: UInt64
    private let parser: PacketParser
    private let linkType: LinkType
    private let wantsInterface: Bool
    private let wantsInitiator: Bool
    private let wantsPorts: Bool
    private let ends: LocalEnds
    private var table: FlowTable
    private var initiators = InitiatorMemory()
    private var fragments = FragmentTable()
    private var book = KernelBook()
    /// The open window, none before the first packet, and its latest packet.
    private var window: Range<UInt64>?
    private var latest: UInt64 = 0
    /// The packet (from 1) that opened it, and how many older ones came since.
    private var opener: PacketSummary.Leap?
    private(set) var summary: PacketSummary
    private var ready: FlowWindow?

    init(_ options: ReplayOptions, _ linkType: LinkType) {
        length = options.windowNanoseconds
        parser = options.parser
        self.linkType = linkType
        wantsInterface = options.capture.interface
        wantsInitiator = options.capture.initiator
        wantsPorts = options.capture.needsPorts
        ends = LocalEnds(options.local)
        table = FlowTable(limit: options.capture.maxFlows)
        summary = PacketSummary(linkType: linkType.name)
    }

    /// The window that the last packet closed.
    mutating func take() -> FlowWindow? {
        defer { ready = nil }
        return ready
    }

    /// Counts one packet. What is `ready` must have been taken.
    mutating func add(_ packet: FilePacket, _ bytes: Span<UInt8>) {
        enter(packet.nanoseconds)
        // Behind everything else: what is handed on early ends before this packet. In every case: it counts in the window too.
        defer { latest = max(latest, packet.nanoseconds) }
        guard let layer = LinkLayer(bytes, linkType), layer.skipped <= bytes.count else {
            leaveOut(.malformed, Amount(bytes: 0, packets: 1))
            return
        }
        let shape = PacketShape(
            wireLength: packet.wireLength - UInt32(layer.skipped), linkHeader: layer.header, etherType: layer.etherType)
        var parsed = parser.parse(bytes.extracting(layer.skipped..<bytes.count), shape)
        let amount = Amount(bytes: parsed.bytes, packets: parsed.packets)
        switch parsed.verdict {
        case .nonIP: leaveOut(.nonIP, amount)
        case .malformed: leaveOut(.malformed, amount)
        case .counted:
            let isOrphan = if wantsPorts, let fragment = parsed.fragment { !fragments.join(&parsed, fragment, at: packet.nanoseconds) } else { false }
            let key = FlowTable.Key(
                source: parsed.source, destination: parsed.destination, ports: UInt32(parsed.sourcePort) << 16 | UInt32(parsed.destinationPort),
                interfaceIndex: wantsInterface ? layer.interfaceIndex : 0, transport: parsed.transport,
                direction: ends.areAddresses ? .unknown : layer.direction)
            if table.isFull(for: key) {
                summary.earlyWindows += 1
                handOn(isEarly: true)
            }
            table.add(parsed, key)
            book.seen += amount
            book.inMap += amount
            if isOrphan { book.orphanFragments += 1 }
        }
    }

    /// Closes the last window.
    mutating func finish() { if book.seen.packets > 0 { handOn(isEarly: false) } }

    /// Goes to the window of `time`, or stays in the open one when that is later.
    private mutating func enter(_ time: UInt64) {
        summary.packets += 1
        summary.times = summary.times.map { min($0.lowerBound, time)...max($0.upperBound, time) } ?? time...time
        if let window, time < window.upperBound {
            if time < window.lowerBound { noteLate() }
            return
        }
        finish()
        let start = time - time % length
        window = start..<start + length
        latest = time
        opener = PacketSummary.Leap(packet: summary.packets, late: 0)
    }

    private mutating func noteLate() {
        summary.late += 1
        opener?.late += 1
        if let opener, opener.late > (summary.leap?.late ?? 0) { summary.leap = opener }
    }

    private mutating func leaveOut(_ reason: NotCountedReason, _ amount: Amount) {
        book.seen += amount
        book[reason] += amount
    }

    private mutating func handOn(isEarly: Bool) {
        guard var range = window else { return }
        // As live: what comes early belongs to the window up to now.
        if isEarly { range = range.lowerBound..<latest + 1 }
        let flows = table.take().map { flow($0, $1) }
        ready = FlowWindow(range: range, isEarly: isEarly, flows: flows, book: book, interfaceNames: [:])
        book = KernelBook()
    }

    private mutating func flow(_ key: FlowTable.Key, _ value: FlowTable.Value) -> CapturedFlow {
        let row = capture_row(key, value)
        var flow = CapturedFlow(row, observer: ends.observer(key))
        // Only an end on this host can be the host's own.
        if flow.observer == .source || flow.observer == .both { flow.sourceIsHost = ends.contains(flow.source) }
        if flow.observer == .destination || flow.observer == .both { flow.destinationIsHost = ends.contains(flow.destination) }
        if wantsInitiator { (flow.initiator, flow.initiatorSource) = initiators.initiator(of: row) }
        return flow
    }
}

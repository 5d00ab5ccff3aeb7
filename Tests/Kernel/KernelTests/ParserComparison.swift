// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CKernelTests
import CWeirCapture
import Glibc
import PacketFrames
import PacketParser
import PacketReplay
import Testing
import WeirCapture

/// The kernel's programs and the user-space parser, fed the same packets.
struct ParserComparison: ~Copyable {
    private let object: FlowObject
    private let generation: UInt32
    private let parser: PacketParser
    /// As the kernel's program does it; nil where it does not.
    private var fragments: FragmentTable?
    private var before = KernelBook()
    private var rows = Array(repeating: capture_row(), count: 8)
    /// Packets that both read, by what the kernel said; and those that the kernel refuses to make up.
    private(set) var counted = 0
    private(set) var leftOut: [NotCountedReason: Int] = [:]
    private(set) var refused = 0

    init(_ plan: CapturePlan, source: CaptureSource) throws {
        let sockets = source == .cgroup
        var plan = plan
        plan.maxFlows = 64
        if sockets { plan.interfaces = InterfaceFilter(exclude: []) }
        object = try FlowObject.load(plan, source: source)
        generation = object.generation
        fragments = plan.needsPorts && !sockets ? FragmentTable() : nil
        parser = PacketParser(
            // The socket programs always tell transports apart.
            transport: plan.needsTransport || sockets, ports: plan.needsPorts, initiator: plan.initiator,
            kernelLengths: plan.countMode == .kernel)
    }

    /// How a program meets a frame.
    enum Hook: String, CaseIterable {
        case uplinkEthernet = "weir_uplink_eth"
        case outEthernet = "weir_out_eth"
        /// Layer 3 from the first byte on.
        case uplinkRaw = "weir_uplink_raw"
        case socketOut = "weir_socket_out"
        case socketIn = "weir_socket_in"
        case packetEthernet = "weir_packet_uplink_eth"
        case packetRaw = "weir_packet_uplink_raw"

        var source: CaptureSource {
            switch self {
            case .uplinkEthernet, .outEthernet, .uplinkRaw: .tc
            case .socketOut, .socketIn: .cgroup
            case .packetEthernet, .packetRaw: .socket
            }
        }
        var isEthernet: Bool { self == .uplinkEthernet || self == .outEthernet || self == .packetEthernet }
        /// What the kernel wants the program to say.
        var verdict: Int64 { source == .tc ? -1 : source == .cgroup ? 1 : 0 }
    }

    /// Shows a frame to both and expects the same answer. The kernel takes what it calls the protocol from bytes 12 and 13,
    /// whatever the program.
    mutating func compare(_ frame: [UInt8], _ hook: Hook, gso: (size: UInt32, segments: UInt32) = (0, 0), _ what: @autoclosure () -> String) throws {
        let number = object.program(hook.rawValue)
        try #require(number >= 0)
        let context = test_context(ifindex: 0, ingress_ifindex: 0, gso_size: gso.size, gso_segs: gso.segments)
        // To all but those of tc the kernel shows what stands behind the first 14 bytes.
        let shown = hook == .packetEthernet ? frame[..<14] + frame : frame[...]
        let fed = Array(shown)
        // Read before the call returns.
        let result = unsafe test_run_program(number, fed, UInt32(fed.count), context)
        if result == -1000 - Int64(EINVAL) {
            // It makes up no packet whose IP header is not whole, as bytes 12 and 13 say it; behind a tag it does not look.
            let type = Frame.word(frame[12], frame[13])
            #expect(type == 0x800 && fed.count < 34 || type == 0x86dd && fed.count < 54, "refused \(what())")
            refused += 1
            return
        }
        #expect(result == hook.verdict, "\(hook.rawValue) on \(what())")
        let kernel = try kernelAnswer()
        let packet = hook.source == .cgroup || hook == .packetRaw ? Array(frame[14...]) : frame
        var shape = PacketShape(
            wireLength: UInt32(packet.count), linkHeader: hook.isEthernet ? 14 : 0,
            etherType: Frame.word(frame[12], frame[13]))
        shape.segmentSize = gso.size
        shape.segments = gso.segments
        var parsed = parser.parse(packet.span, shape)
        if parsed.verdict == .counted, let fragment = parsed.fragment { _ = fragments?.join(&parsed, fragment, at: Self.monotonic()) }
        let user = Self.text(parsed)
        if kernel != user { Issue.record("\(hook.rawValue) on \(what()): kernel \(kernel), user space \(user), frame \(frame)") }
    }

    /// What one run left behind. Nothing runs beside it, so that the generation need not be idle.
    private mutating func kernelAnswer() throws -> String {
        object.rewind()
        var found: [capture_row] = []
        while true {
            let count = try object.read(generation, take: true, into: &rows)
            guard count > 0 else { break }
            found += rows[..<count]
        }
        let now = try object.book(generation)
        defer { before = now }
        let seen = Amount(bytes: now.seen.bytes - before.seen.bytes, packets: now.seen.packets - before.seen.packets)
        if let row = found.first, found.count == 1, row.amount == seen {
            counted += 1
            return "\(row.source):\(row.src_port)>\(row.destination):\(row.dst_port)/\(row.protocol) \(row.bytes)/\(row.packets) flags \(row.flags)"
        }
        let reasons = NotCountedReason.allCases.filter { now[$0].packets > before[$0].packets }
        guard found.isEmpty, reasons.count == 1, let reason = reasons.first else { return "\(found.count) rows, reasons \(reasons)" }
        leftOut[reason, default: 0] += 1
        return "\(reason.name) \(seen.bytes)/\(seen.packets)"
    }

    /// The clock of the program.
    private static func monotonic() -> UInt64 {
        var time = timespec()
        // Written before the call returns.
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func text(_ packet: ParsedPacket) -> String {
        switch packet.verdict {
        case .nonIP: "non_ip \(packet.bytes)/\(packet.packets)"
        case .malformed: "malformed \(packet.bytes)/\(packet.packets)"
        case .counted:
            """
            \(packet.source):\(packet.sourcePort)>\(packet.destination):\(packet.destinationPort)/\(packet.transport) \
            \(packet.bytes)/\(packet.packets) flags \(packet.handshake.rawValue)
            """
        }
    }
}

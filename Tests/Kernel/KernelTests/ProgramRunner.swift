// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CKernelTests
import CWeirCapture
import PacketFrames
import Testing
import WeirCapture

/// The loaded programs, fed frames that never were on a wire.
struct ProgramRunner: ~Copyable {
    private let object: FlowObject

    init(_ plan: CapturePlan = CapturePlan(), source: CaptureSource = .tc) throws {
        var plan = plan
        plan.maxFlows = min(plan.maxFlows, 4096)
        if source == .cgroup { plan.interfaces = InterfaceFilter(exclude: []) }
        object = try FlowObject.load(plan, source: source)
    }

    func tunnel(_ end: TunnelEnd, _ isThere: Bool = true) { #expect(object.tunnel(end, isThere) == 0) }

    func watch(_ interface: UInt32) { #expect(object.watch(interface, true) == 0) }

    /// Runs the program once and returns what it counted; the book must balance whatever the frame was.
    func run(_ frame: Frame, program: String = "weir_uplink_eth", _ context: test_context = test_context()) throws -> Outcome {
        try feed(frame, program, context)
        return try drain()
    }

    func feed(_ frame: Frame, _ program: String = "weir_uplink_eth", _ context: test_context = test_context()) throws {
        let number = object.program(program)
        try #require(number >= 0)
        // To a packet socket's program the kernel shows what stands behind the first 14 bytes.
        let isPacket = program.contains("packet")
        let bytes = isPacket ? frame.bytes[..<14] + frame.bytes : frame.bytes
        // The frame is read before the call returns.
        let result = unsafe test_run_program(number, bytes, UInt32(bytes.count), context)
        #expect(result == (isPacket ? 0 : program.contains("socket") ? 1 : -1), "\(program) on \(bytes)")
    }

    func drain() throws -> Outcome {
        let old = try object.flip()
        var book = try object.book(old)
        var rows: [capture_row] = []
        var chunk = Array(repeating: capture_row(), count: 256)
        object.rewind()
        while true {
            let count = try object.read(old, take: true, into: &chunk)
            guard count > 0 else { break }
            rows += chunk[..<count]
        }
        for row in rows { book.inMap += row.amount }
        var first = 0
        while true {
            let count = object.events(old, from: first, into: &chunk)
            guard count > 0 else { break }
            for row in chunk[..<count] { book.inRing += row.amount }
            first += count
        }
        try object.clear(old)
        #expect(book.isBalanced, "off by \(book.imbalance)")
        return Outcome(rows: rows, book: book)
    }
}

struct Outcome {
    var rows: [capture_row]
    var book: KernelBook

    /// The one flow there is, as text: `10.1.2.3:1000>10.4.5.6:80/6 bytes/packets @hook`.
    var text: String {
        guard rows.count == 1, let row = rows.first else { return "\(rows.count) rows" }
        return "\(row.source):\(row.src_port)>\(row.destination):\(row.dst_port)/\(row.protocol) \(row.bytes)/\(row.packets) @\(row.hook)"
    }
}

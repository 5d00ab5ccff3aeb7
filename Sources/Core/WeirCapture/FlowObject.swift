// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import CWeirCapture
private import Glibc

/// The loaded kernel half: its maps, ring and programs.
///
/// `@unchecked`: the C state behind the pointer has one owner, this value, and no tie to a thread.
@safe
package struct FlowObject: ~Copyable, @unchecked Sendable {
    // Lives until deinit: nobody else has the pointer.
    private let capture: OpaquePointer
    package let shape: MapShape

    package static func load(_ plan: CapturePlan, source: CaptureSource) throws(CaptureError) -> FlowObject {
        let sockets = source == .cgroup
        let shape = MapShape(plan, source: source)
        var config = flow_config()
        // Among sockets also to tell raw copies of one protocol from those of another: the byte is in every key.
        config.want_protocol = plan.needsTransport || sockets ? 1 : 0
        config.want_ports = plan.needsPorts ? 1 : 0
        config.want_owner = plan.owner && sockets ? 1 : 0
        config.want_interface = plan.interface && !sockets ? 1 : 0
        config.want_initiator = plan.needsHandshakes ? 1 : 0
        config.per_cpu = shape.isPerCPU ? 1 : 0
        config.kernel_lengths = plan.countMode == .kernel ? 1 : 0
        config.exclude_loopback = plan.interfaces.asLoopbackRule == true ? 1 : 0
        config.preemptible = systemText("/sys/kernel/realtime")?.first == "1" ? 1 : 0
        config.join_fragments = shape.joinsFragments ? 1 : 0
        config.wake_inserts = UInt32(shape.wakeInserts)
        config.sample_below = plan.sampleBelow
        var cShape = capture_shape(
            key_size: UInt32(shape.keySize), value_size: UInt32(shape.valueSize), max_flows: UInt32(shape.maxFlows),
            ring_bytes: UInt32(shape.ringBytes), per_cpu: shape.isPerCPU, sockets: sockets)
        // The text is a static string, and the structs are read before the call returns.
        let program = source == .socket ? FlowProgram.packets : FlowProgram.flow
        let opened = program.withUTF8Buffer { text in
            unsafe text.withMemoryRebound(to: CChar.self) { unsafe capture_open($0.baseAddress, $0.count, &config, &cShape) }
        }
        guard let opened = unsafe opened else { throw loadError(errno, shape, source) }
        return unsafe FlowObject(owning: opened, shape)
    }

    private init(owning capture: OpaquePointer, _ shape: MapShape) {
        unsafe self.capture = capture
        self.shape = shape
    }

    deinit { unsafe capture_close(capture) }

    private static func loadError(_ number: Int32, _ shape: MapShape, _ source: CaptureSource) -> CaptureError {
        // Thread-local text of the C side, copied at once.
        let words = unsafe String(cString: capture_last_words()).split(separator: "\n").suffix(6).joined(separator: " | ")
        let found = "\(errorText(number))\(words.isEmpty ? "" : " (\(words))")"
        switch number {
        case EPERM:
            return CaptureError(
                "load the kernel program", needed: "CAP_BPF, \(source == .socket ? "CAP_NET_RAW" : "CAP_NET_ADMIN") and CAP_PERFMON (or root)",
                found: found,
                remedy: "start as root or give the service these capabilities; in a container also check seccomp, SELinux and lockdown")
        case ENOMEM:
            return CaptureError(
                "load the kernel program", needed: "\(shape.memoryBytes) bytes of kernel memory", found: found,
                remedy: "lower capture.max_flows or raise the memory limit")
        default:
            return CaptureError(
                "load the kernel program", needed: "Linux 5.15 or later with eBPF", found: "Linux \(KernelVersion.running), \(found)",
                remedy: "update the kernel, or report this message")
        }
    }

    // MARK: Generations

    package var generation: UInt32 { unsafe capture_generation(capture) }

    package func inserts(_ generation: UInt32) -> UInt64 { unsafe capture_inserts(capture, generation) }

    /// Lets programs write to the other generation; returns the one that is idle now.
    package func flip() throws(CaptureError) -> UInt32 {
        let old = generation
        try check(unsafe capture_flip(capture), "change generations")
        try collectEvents()
        return old
    }

    /// Moves what is in the ring to the events.
    package func collectEvents() throws(CaptureError) { try check(unsafe capture_collect_events(capture), "read the ring") }

    package func rewind() { unsafe capture_rewind(capture) }

    /// Fills `rows` from the walk over the map; how many are valid, 0 at the end. With `take` they leave the map.
    package func read(_ generation: UInt32, take: Bool, into rows: inout [capture_row]) throws(CaptureError) -> Int {
        // The C side writes at most `count` rows into the array's own storage.
        let count = unsafe rows.withUnsafeMutableBufferPointer {
            unsafe capture_read(capture, generation, take, $0.baseAddress, UInt32($0.count))
        }
        try check(count, "read the flow map")
        return Int(count)
    }

    /// Whether events of the ring belong to `generation`.
    package func hasEvents(_ generation: UInt32) -> Bool { unsafe capture_event_count(capture, generation) > 0 }

    /// The same for the events of the ring, from `first` on.
    package func events(_ generation: UInt32, from first: Int, into rows: inout [capture_row]) -> Int {
        Int(
            unsafe rows.withUnsafeMutableBufferPointer {
                unsafe capture_events(capture, generation, UInt32(first), $0.baseAddress, UInt32($0.count))
            })
    }

    /// The kernel's part of the book.
    package func book(_ generation: UInt32) throws(CaptureError) -> KernelBook {
        var cells = flow_book()
        try check(unsafe capture_book(capture, generation, &cells), "read the kernel book")
        return KernelBook(cells)
    }

    package func clear(_ generation: UInt32) throws(CaptureError) { try check(unsafe capture_clear(capture, generation), "clear a generation") }

    // MARK: Pinned maps

    /// What became of opening a set that a process before has pinned.
    enum Pinned: ~Copyable {
        /// For reading and taking alone: no program belongs to it and no generation counts.
        case opened(PinLayout, FlowObject)
        /// Nothing that this program can read.
        case foreign
        case failed(Int32)
    }

    static func open(pinnedIn folder: String, _ number: UInt32) -> Pinned {
        var record = capture_layout()
        // Text and record outlive the calls.
        var error = unsafe -folder.withCString { unsafe capture_pinned_layout($0, number, &record) }
        if error == 0 {
            if let opened = unsafe folder.withCString({ unsafe capture_open_pinned($0, number, &record) }) {
                let layout = PinLayout(record)
                return .opened(layout, unsafe FlowObject(owning: opened, layout.shape))
            }
            error = errno
        }
        return error == EPROTO || error == ENOENT ? .foreign : .failed(error)
    }

    /// Pins what it takes to drain this object later: 0, or a negative errno.
    func pin(in folder: String, as number: UInt32) -> Int32 {
        // The text outlives the call.
        unsafe folder.withCString { unsafe capture_pin(capture, $0, number) }
    }

    // MARK: Descriptors

    package var ringDescriptor: Int32 { unsafe capture_ring_fd(capture) }

    package func program(_ name: String) -> Int32 { unsafe capture_program(capture, name) }

    package func tunnel(_ end: TunnelEnd, _ isThere: Bool) -> Int32 { unsafe capture_tunnel(capture, capture_tunnel_end(end), isThere) }

    package func watch(_ interface: UInt32, _ watched: Bool) -> Int32 { unsafe capture_watch(capture, interface, watched) }
}

extension CapturePlan {
    /// See `flow_config`. Rounded, so that a packet counts by a probability that is off by less than one in a hundred thousand of it.
    package var sampleBelow: UInt32 {
        precondition((1...Self.maxSampling).contains(sampling), "sampling is from 1 to \(Self.maxSampling)")
        return sampling == 1 ? 0 : UInt32(((1 << 32) + UInt64(sampling) / 2) / UInt64(sampling))
    }
}

private func check(_ result: Int32, _ action: String) throws(CaptureError) {
    guard result < 0 else { return }
    throw CaptureError(action, needed: "the kernel's answer", found: errorText(-result), remedy: "restart, and report this message")
}

/// The system's words for an `errno`.
package func errorText(_ number: Int32) -> String { unsafe String(cString: strerror(number)) }

extension Amount {
    package init(_ cell: flow_amount) { self.init(bytes: cell.bytes, packets: cell.packets) }
}

extension KernelBook {
    init(_ cells: flow_book) {
        self.init()
        seen = Amount(cells.seen)
        orphanFragments = cells.orphans
        let (mapFull, ringFull, busy, noMemory) = cells.overflow
        self[.mapFull] = Amount(mapFull)
        self[.ringFull] = Amount(ringFull)
        self[.busy] = Amount(busy)
        self[.noMemory] = Amount(noMemory)
        let (duplicate, local, copy, tunnel, unsampled, interface, nonIP, malformed) = cells.not_counted
        self[.duplicate] = Amount(duplicate)
        self[.local] = Amount(local)
        self[.copy] = Amount(copy)
        self[.tunnel] = Amount(tunnel)
        self[.unsampled] = Amount(unsampled)
        self[.interface] = Amount(interface)
        self[.nonIP] = Amount(nonIP)
        self[.malformed] = Amount(malformed)
    }
}

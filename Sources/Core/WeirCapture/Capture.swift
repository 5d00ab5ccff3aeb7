// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture
private import Glibc
public import Logging
internal import Netlink
public import WeirKit

/// Flows from the kernel: attached from its making to `detach()`, drained once per window by one thread.
///
/// It sees the network namespace of the thread that makes it; that thread's namespace must be the same in `wait`.
public struct Capture: ~Copyable, Sendable {
    public let choice: SourceChoice
    private let interruptor: CaptureInterruptor
    private var plan: CapturePlan
    private var object: FlowObject
    private var links: LinkWatch
    private var attachments: Attachments
    private var socketLinks: [Descriptor] = []
    private var waiter: Descriptor
    private let log: Logger
    private var reader: RowReader
    private var nextAddressTurn: ContinuousClock.Instant
    private var nextSenderTurn: ContinuousClock.Instant
    /// Reused for every chunk of every drain.
    private var rows: [capture_row]
    private var flows: [CapturedFlow] = []

    /// Rows in one chunk of a drain.
    public static let chunk = 4096

    /// Chooses the source, loads the program, attaches it. Counting begins before this returns. `interruptor` wakes `wait`.
    public static func start(
        _ plan: CapturePlan, interruptor: CaptureInterruptor, log: Logger
    ) throws(CaptureError) -> Capture {
        let missing = Capabilities.effective.missing
        guard missing.isEmpty else {
            throw CaptureError(
                "start capturing", needed: missing.joined(separator: ", "), found: "a process without",
                remedy: "start as root or give the service these capabilities")
        }
        guard KernelVersion.running >= KernelVersion(major: 5, minor: 15) else {
            throw CaptureError(
                "start capturing", needed: "Linux 5.15 or later", found: "Linux \(KernelVersion.running)", remedy: "update the kernel")
        }
        let links = try watchLinks()
        let facts = HostFacts.read(links.table)
        let choice = try SourceChoice(plan, facts)
        let object = try FlowObject.load(plan, source: choice.source)
        var capture = Capture(plan, choice, object, links, interruptor, log)
        switch choice.source {
        case .cgroup: capture.socketLinks = try attachSockets(capture.object, facts)
        default: try capture.attachDevices()
        }
        return capture
    }

    private init(
        _ plan: CapturePlan, _ choice: SourceChoice, _ object: consuming FlowObject, _ links: consuming LinkWatch,
        _ interruptor: CaptureInterruptor, _ log: Logger
    ) {
        self.plan = plan
        self.choice = choice
        self.interruptor = interruptor
        self.log = log
        waiter = Descriptor(capture_waiter(object.ringDescriptor, links.descriptor, interruptor.descriptor))
        reader = RowReader(plan, source: choice.source)
        reader.addresses.follow(links.table)
        nextAddressTurn = .now + HostAddresses.turn
        nextSenderTurn = .now + RowReader.senderTurn
        rows = Array(repeating: capture_row(), count: Self.chunk)
        flows.reserveCapacity(Self.chunk)
        attachments = Attachments(plan.flavor)
        self.object = object
        self.links = links
    }

    private static func watchLinks() throws(CaptureError) -> LinkWatch {
        do { return try LinkWatch() } catch {
            throw CaptureError(
                "list interfaces", needed: "a netlink socket", found: error.description, remedy: "allow AF_NETLINK in the service's sandbox")
        }
    }

    /// Egress, then ingress: the order of `socketLinks`.
    private static let socketPrograms = ["weir_socket_out", "weir_socket_in"]

    private static func attachSockets(_ object: borrowing FlowObject, _ facts: HostFacts) throws(CaptureError) -> [Descriptor] {
        let root = try facts.cgroupRoot.get()
        let directory = root.open()
        defer { close(directory) }
        var links: [Descriptor] = []
        for (index, name) in socketPrograms.enumerated() {
            let link = capture_attach_cgroup(object.program(name), directory, index == 1)
            guard link >= 0 else {
                throw CaptureError(
                    "attach to the cgroup \(root.path)", needed: "a kernel with CONFIG_CGROUP_BPF and leave to attach",
                    found: errorText(-link), remedy: "set capture.source: tc, or look for a program attached there without BPF_F_ALLOW_MULTI")
            }
            links.append(Descriptor(link))
        }
        return links
    }

    private mutating func attachDevices() throws(CaptureError) {
        attachments.follow(DevicePlan(links.table, plan.interfaces), object, log)
        if attachments.devices.isEmpty, let refusal = attachments.refusal {
            throw CaptureError(
                "attach to \(refusal.device)", needed: "tcx (Linux 6.6) or a clsact qdisc (sch_ingress, cls_bpf)",
                found: errorText(refusal.number), remedy: "check capture.interfaces, or load these modules")
        }
    }

    // MARK: Waiting

    /// Waits for the end of a window. Meanwhile devices that come are attached and those that go are let go.
    public mutating func wait(until deadline: ContinuousClock.Instant) -> Wake {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return .windowEnd }
            // The kernel rings once per generation, and in vain when the ring was still full of the one before.
            let ready = capture_wait(waiter.number, isFilling ? 0 : left.nanoseconds)
            guard ready >= 0 else { return .windowEnd }
            let bits = UInt32(ready)
            if bits & CAPTURE_NETLINK.rawValue != 0 { followLinks() }
            if bits & CAPTURE_BELL.rawValue != 0 {
                interruptor.quiet()
                return .interrupted
            }
            // The number, not the ringing, decides: it may have rung for a generation that was drained meanwhile.
            if isFilling { return .earlyDrain }
        }
    }

    /// The generation that counts now has so many flows that it should not wait for the end of the window.
    private var isFilling: Bool { object.inserts(object.generation) >= UInt64(object.shape.wakeInserts) }

    private mutating func followLinks() {
        do {
            guard try links.update() else { return }
        } catch {
            log.warning("could not read interface changes", metadata: ["error": "\(error)"])
            return
        }
        reader.addresses.follow(links.table)
        if choice.source == .tc, isAttached { attachments.follow(DevicePlan(links.table, plan.interfaces), object, log) }
    }

    // MARK: Draining

    /// Ends the generation, hands its flows to `consume` in chunks, and says where every packet went.
    ///
    /// The chunk is the capture's own memory and lasts for the call only; nothing is allocated per chunk.
    public mutating func drain(_ consume: (Span<CapturedFlow>) -> Void) throws(CaptureError) -> KernelBook {
        let old = try object.flip()
        var book = try object.book(old)
        let isSenderTurn = nextSenderTurn <= .now
        if isSenderTurn { nextSenderTurn = .now + RowReader.senderTurn }
        reader.begin(isSenderTurn: isSenderTurn)
        if nextAddressTurn <= .now {
            nextAddressTurn = .now + HostAddresses.turn
            reader.addresses.turn()
        }
        if reader.needsSurvey {
            try walk(old, take: false) { row, reader, _ in reader.survey(row) }
            if reader.needsSecondSurvey { try walk(old, take: false) { row, reader, _ in reader.surveyAgain(row) } }
        }
        // The walk that hands rows on is also the one that empties the map: nobody else touches an idle generation.
        try walk(old, take: true, book: &book, consume)
        try object.clear(old)
        return book
    }

    /// Looks at every row of the map, then of the ring.
    private mutating func walk(
        _ generation: UInt32, take: Bool, _ look: (capture_row, inout RowReader, Bool) -> Void
    ) throws(CaptureError) {
        object.rewind()
        while true {
            let count = try object.read(generation, take: take, into: &rows)
            guard count > 0 else { break }
            for index in 0..<count { look(rows[index], &reader, false) }
        }
        var first = 0
        while true {
            let count = object.events(generation, from: first, into: &rows)
            guard count > 0 else { break }
            for index in 0..<count { look(rows[index], &reader, true) }
            first += count
        }
    }

    private mutating func walk(
        _ generation: UInt32, take: Bool, book: inout KernelBook, _ consume: (Span<CapturedFlow>) -> Void
    ) throws(CaptureError) {
        object.rewind()
        while true {
            let count = try object.read(generation, take: take, into: &rows)
            guard count > 0 else { break }
            book.inMap += handOn(count, &book, consume)
        }
        var first = 0
        while true {
            let count = object.events(generation, from: first, into: &rows)
            guard count > 0 else { break }
            book.inRing += handOn(count, &book, consume)
            first += count
        }
    }

    /// Turns rows into flows and hands them on; what they add up to. What is counted elsewhere goes to the book.
    private mutating func handOn(_ count: Int, _ book: inout KernelBook, _ consume: (Span<CapturedFlow>) -> Void) -> Amount {
        var sum = Amount()
        flows.removeAll(keepingCapacity: true)
        for index in 0..<count {
            let row = rows[index]
            switch reader.read(row) {
            case .flow(let flow):
                sum += row.amount
                flows.append(flow)
            case .notCounted(let reason):
                book[reason] += row.amount
            }
        }
        if !flows.isEmpty { consume(flows.span) }
        return sum
    }

    // MARK: Another plan

    /// Whether `replace` can go over to `next`: the same source, attached in the same way.
    public func canReplace(with next: CapturePlan) -> Bool { next.source == plan.source && next.flavor == plan.flavor }

    /// Goes over to another plan without a gap: loads its programs, puts each in the place of the old one, then hands on
    /// what the old maps hold. A packet is counted by the one or the other. When loading fails the old plan goes on.
    public mutating func replace(with next: CapturePlan, _ consume: (Span<CapturedFlow>) -> Void) throws(CaptureError) -> KernelBook {
        precondition(canReplace(with: next), "the plan is for another source")
        let fresh = try FlowObject.load(next, source: choice.source)
        if choice.source == .cgroup {
            for (index, name) in Self.socketPrograms.enumerated() {
                let result = capture_replace(socketLinks[index].number, fresh.program(name))
                guard result < 0 else { continue }
                for before in 0..<index { _ = capture_replace(socketLinks[before].number, object.program(Self.socketPrograms[before])) }
                throw CaptureError(
                    "replace \(name)", needed: "BPF_LINK_UPDATE", found: errorText(-result), remedy: "restart instead of reloading")
            }
        } else {
            attachments.follow(DevicePlan(links.table, next.interfaces), fresh, anew: true, log)
        }
        // Nobody writes to the old maps any more; both generations may hold something.
        var book = try drain(consume)
        book += try drain(consume)
        waiter = Descriptor(capture_waiter(fresh.ringDescriptor, links.descriptor, interruptor.descriptor))
        object = fresh
        plan = next
        reader.follow(next)
        return book
    }

    // MARK: The end, and facts

    private var isAttached = true

    /// Stops counting. Two more drains bring everything that both generations hold.
    public mutating func detach() {
        isAttached = false
        socketLinks = []
        attachments.removeAll()
    }

    /// Names by interface number, of this network namespace.
    public var interfaceNames: [UInt32: String] { links.table.links.mapValues(\.name) }

    /// For `weir explain`.
    public var facts: CaptureFacts {
        CaptureFacts(
            choice: choice, flavor: choice.source == .tc ? attachments.flavor : nil, shape: object.shape,
            interfaces: attachments.devices.map {
                CaptureFacts.Interface(index: $0.index, name: $0.name, role: $0.role, isEthernet: $0.isEthernet)
            },
            unseen: unseenPaths(links.table), netlinkOverruns: links.overruns)
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds > Int64(Int32.max) ? .max : seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

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
    public private(set) var choice: SourceChoice
    private let interruptor: CaptureInterruptor
    private(set) var plan: CapturePlan
    /// What `auto` has tried in vain: it is not tried again.
    private let refused: [SourceChoice.Turned]
    var object: FlowObject
    private(set) var links: LinkWatch
    private var attachments: Attachments
    private var socketLinks: [Descriptor] = []
    private var waiter: Descriptor
    let log: Logger
    /// Where the maps outlive this process; nil where they do not.
    var pins: PinnedMaps?
    /// Names of devices that left and may have counted since the last drain.
    private var departed: [UInt32: String] = [:]
    var reader: RowReader
    private var translator: Translator
    /// Who listens on this host: whoever owns the capture lets it look, beside the thread that drains.
    public let listeners = ListenerWatch()
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
        let missing = Capabilities.effective.missing(for: plan.source)
        guard missing.isEmpty else {
            throw CaptureError(
                "start capturing", needed: missing.joined(separator: ", "), found: "a process without",
                remedy: "start as root or give the service these capabilities")
        }
        guard KernelVersion.running >= KernelVersion(major: 5, minor: 15) else {
            throw CaptureError(
                "start capturing", needed: "Linux 5.15 or later", found: "Linux \(KernelVersion.running)", remedy: "update the kernel")
        }
        // First of all, so that its lock is also the last to go.
        let pins = try PinnedMaps.follow(nil, plan.pin)
        return try start(plan, refused: [], pins, interruptor, log)
    }

    /// Where `auto` is refused at one source it goes on to the next.
    private static func start(
        _ plan: CapturePlan, refused: [SourceChoice.Turned], _ pins: PinnedMaps?, _ interruptor: CaptureInterruptor, _ log: Logger
    ) throws(CaptureError) -> Capture {
        let links = try watchLinks()
        let translator = try Translator.start(plan.nat)
        let plan = plan.translating(translator.choice.isOn)
        let facts = HostFacts.read(links.table, rights: .effective, refused: refused)
        let choice = try SourceChoice(plan, facts)
        let object = try FlowObject.load(plan, source: choice.source)
        let waiter = try makeWaiter(object, links, interruptor)
        var capture = Capture(plan, choice, refused, object, links, translator, interruptor, waiter, log)
        capture.pins = pins
        // For connections that are there already: nothing is attached yet that would wait.
        if plan.initiator { _ = capture.listeners.look() }
        do throws(CaptureError) {
            try capture.pins?.pin(capture.object)
            capture.sweepLeftFilters()
            switch choice.source {
            case .cgroup: capture.socketLinks = try attachSockets(capture.object, facts)
            default: try capture.attachDevices()
            }
            return capture
        } catch {
            capture.pins?.removeOwn()
            guard plan.source == .auto, error.isRefusal else { throw error }
            let pins = capture.pins
            capture.detach()
            log.warning("a capture source was refused", metadata: ["source": "\(choice.source.rawValue)", "error": "\(error)"])
            let refused = refused + [SourceChoice.Turned(source: choice.source, reason: error.description)]
            return try start(plan, refused: refused, pins, interruptor, log)
        }
    }

    private init(
        _ plan: CapturePlan, _ choice: SourceChoice, _ refused: [SourceChoice.Turned], _ object: consuming FlowObject, _ links: consuming LinkWatch,
        _ translator: consuming Translator, _ interruptor: CaptureInterruptor, _ waiter: Descriptor, _ log: Logger
    ) {
        self.plan = plan
        self.choice = choice
        self.refused = refused
        self.interruptor = interruptor
        self.log = log
        self.waiter = waiter
        reader = RowReader(plan, source: choice.source)
        reader.addresses.follow(links.table)
        nextAddressTurn = .now + HostAddresses.turn
        nextSenderTurn = .now + RowReader.senderTurn
        rows = Array(repeating: capture_row(), count: Self.chunk)
        flows.reserveCapacity(Self.chunk)
        attachments = Attachments(plan.flavor, sockets: choice.source == .socket)
        self.object = object
        self.links = links
        self.translator = translator
    }

    private static func watchLinks() throws(CaptureError) -> LinkWatch {
        do { return try LinkWatch() } catch {
            throw CaptureError(
                "list interfaces", needed: "a netlink socket", found: error.description, remedy: "allow AF_NETLINK in the service's sandbox")
        }
    }

    private static func makeWaiter(
        _ object: borrowing FlowObject, _ links: borrowing LinkWatch, _ interruptor: CaptureInterruptor
    ) throws(CaptureError) -> Descriptor {
        let waiter = capture_waiter(object.ringDescriptor, links.descriptor, interruptor.descriptor)
        guard waiter >= 0 else {
            throw CaptureError(
                "wait for the kernel", needed: "one more file descriptor", found: errorText(-waiter), remedy: "raise the limit of open files")
        }
        return Descriptor(waiter)
    }

    /// Egress, then ingress: the order of `socketLinks`.
    private static let socketPrograms = ["weir_socket_out", "weir_socket_in"]

    private static func attachSockets(_ object: borrowing FlowObject, _ facts: HostFacts) throws(CaptureError) -> [Descriptor] {
        let root = try facts.cgroupRoot.get()
        let directory = root.open()
        guard directory >= 0 else {
            throw CaptureError(
                "open the cgroup \(root.path)", needed: "leave to read this folder", found: errorText(errno),
                remedy: "allow it in the service's sandbox, or set capture.source: tc")
        }
        defer { close(directory) }
        var links: [Descriptor] = []
        for (index, name) in socketPrograms.enumerated() {
            let link = capture_attach_cgroup(object.program(name), directory, index == 1)
            guard link >= 0 else {
                throw .refusal(
                    "attach to the cgroup \(root.path)", needed: "a kernel with CONFIG_CGROUP_BPF and leave to attach",
                    found: errorText(-link), remedy: "set capture.source: tc, or look for a program attached there without BPF_F_ALLOW_MULTI")
            }
            links.append(Descriptor(link))
        }
        return links
    }

    private mutating func attachDevices() throws(CaptureError) {
        followDevices()
        if attachments.count == 0, let refusal = attachments.refusal {
            // For want of files or memory, or since the device left meanwhile, another source would be refused as well.
            let isForGood = ![EMFILE, ENFILE, ENOMEM, ENOBUFS, ENODEV].contains(refusal.number)
            let needed = choice.source == .tc ? "tcx (Linux 6.6) or a clsact qdisc (sch_ingress, cls_bpf)" : "a packet socket (AF_PACKET)"
            var error = CaptureError(
                "attach to \(refusal.device)", needed: needed, found: errorText(refusal.number),
                remedy: choice.source == .tc
                    ? "check capture.interfaces, load these modules, or set capture.source: socket"
                    : "check capture.interfaces, and allow AF_PACKET in the service's sandbox")
            error.isRefusal = isForGood
            throw error
        }
    }

    /// Links have left with the process before, filters of clsact have not: with its maps still to be drained they must be gone.
    private mutating func sweepLeftFilters() {
        guard pins?.hasLeftDevices == true else { return }
        let staying = attachments.sweepOthers(
            links.table.links.keys, choice.source == .tc ? DevicePlan(links.table, plan.interfaces, plan.tunnels) : nil)
        guard !staying.isEmpty else { return }
        pins?.keepLeft()
        log.warning(
            "could not remove filters of a process before: pinned maps that they may count into are kept unread",
            metadata: [
                "interfaces": "\(staying.map { links.table.links[$0]?.name ?? "\($0)" }.sorted().joined(separator: ", "))",
                "remedy": "start once with CAP_NET_ADMIN, or remove what is called weir_* (tc filter del dev DEV ingress, egress) and restart",
            ])
    }

    private mutating func followDevices() {
        attachments.follow(DevicePlan(links.table, plan.interfaces, plan.tunnels), object, log)
        attachments.tellNone(plan.interfaces, log)
    }

    // MARK: Waiting

    /// Waits for the end of a window. Meanwhile devices that come are attached and those that go are let go.
    public mutating func wait(until deadline: ContinuousClock.Instant) -> Wake {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return .windowEnd }
            // The kernel rings once per generation, and in vain when the ring was still full of the one before.
            let longest = isFilling ? .zero : isBehind ? min(left, Self.retry) : left
            let ready = capture_wait(waiter.number, longest.nanoseconds)
            guard ready >= 0 else { return .windowEnd }
            let bits = UInt32(ready)
            if bits & CAPTURE_NETLINK.rawValue != 0 || bits == 0 && isBehind { followLinks() }
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

    /// What netlink told last is not carried out yet.
    private var isBehind: Bool { links.needsDump || isAttached && !attachments.unwatched.isEmpty }

    /// So often carrying it out is tried again.
    private static let retry = Duration.seconds(1)

    private mutating func followLinks() {
        let before = links.table.links
        let wasBehind = isBehind
        do {
            guard try links.update() || wasBehind else { return }
        } catch {
            if !wasBehind { log.warning("could not read interface changes", metadata: ["error": "\(error)"]) }
            return
        }
        for link in before.values where links.table.links[link.index] == nil { departed[link.index] = link.name }
        reader.addresses.follow(links.table)
        if choice.source.isAtDevices, isAttached { followDevices() }
    }

    // MARK: Draining

    /// Ends the generation, hands its flows to `consume` in chunks, and says where every packet went.
    ///
    /// The chunk is the capture's own memory and lasts for the call only; nothing is allocated per chunk.
    public mutating func drain(_ consume: (Span<CapturedFlow>) -> Void) throws(CaptureError) -> KernelBook {
        try drain { flows, _ in consume(flows) }
    }

    /// The same; `consume` is told too of how many packets one was counted: what a process before has left may have another rate.
    public mutating func drain(_ consume: (Span<CapturedFlow>, _ samplingRate: UInt32) -> Void) throws(CaptureError) -> KernelBook {
        let rate = UInt32(plan.sampling)
        let old = try object.flip()
        var book = try object.book(old)
        let isSenderTurn = nextSenderTurn <= .now
        if isSenderTurn { nextSenderTurn = .now + RowReader.senderTurn }
        reader.begin(isSenderTurn: isSenderTurn)
        translator.begin()
        reader.listeners = listeners.table
        if nextAddressTurn <= .now {
            nextAddressTurn = .now + HostAddresses.turn
            reader.addresses.turn()
        }
        if pins?.hasNews == true {
            book += try takeOver(consume)
            reader.begin(isSenderTurn: false)
        }
        let inserts = object.inserts(old)
        if reader.needsSurvey, inserts <= UInt64(Self.chunk), !object.hasEvents(old) {
            // One read brings and takes all: an idle host's drain costs next to nothing.
            try takeAll(old, inserts, &book) { flows in consume(flows, rate) }
        } else {
            if reader.needsSurvey {
                try walk(old, inserts) { row, reader in reader.survey(row) }
                if reader.needsSecondSurvey { try walk(old, inserts) { row, reader in reader.surveyAgain(row) } }
            }
            // The walk that hands rows on is also the one that empties the map: nobody else touches an idle generation.
            try walk(old, inserts, &book) { flows in consume(flows, rate) }
        }
        try object.clear(old)
        departed = [:]
        book.translations.questions = translator.takeCount()
        if reader.takeAskedListeners() { listeners.want() }
        return book
    }

    /// Takes at most a chunk of rows out of the map and looks at them here, as often as it takes.
    private mutating func takeAll(
        _ generation: UInt32, _ inserts: UInt64, _ book: inout KernelBook, _ consume: (Span<CapturedFlow>) -> Void
    ) throws(CaptureError) {
        guard inserts > 0 else { return }
        object.rewind()
        let count = try object.read(generation, take: true, into: &rows)
        translator.translate(&rows, count)
        for index in 0..<count { reader.survey(rows[index]) }
        if reader.needsSecondSurvey { for index in 0..<count { reader.surveyAgain(rows[index]) } }
        book.inMap += handOn(count, &book, consume)
    }

    /// Looks at every row of the map, unless nothing was put in, then of the ring.
    mutating func walk(
        _ generation: UInt32, _ inserts: UInt64, _ look: (capture_row, inout RowReader) -> Void
    ) throws(CaptureError) {
        object.rewind()
        while inserts > 0 {
            let count = try object.read(generation, take: false, into: &rows)
            guard count > 0 else { break }
            translator.translate(&rows, count)
            for index in 0..<count { look(rows[index], &reader) }
        }
        var first = 0
        while true {
            let count = object.events(generation, from: first, into: &rows)
            guard count > 0 else { break }
            translator.translate(&rows, count)
            for index in 0..<count { look(rows[index], &reader) }
            first += count
        }
    }

    /// Takes every row of the map, unless nothing was put in, and hands it on, then those of the ring.
    mutating func walk(
        _ generation: UInt32, _ inserts: UInt64, _ book: inout KernelBook, _ consume: (Span<CapturedFlow>) -> Void
    ) throws(CaptureError) {
        object.rewind()
        while inserts > 0 {
            let count = try object.read(generation, take: true, into: &rows)
            guard count > 0 else { break }
            translator.translate(&rows, count)
            book.inMap += handOn(count, &book, consume)
        }
        var first = 0
        while true {
            let count = object.events(generation, from: first, into: &rows)
            guard count > 0 else { break }
            translator.translate(&rows, count)
            book.inRing += handOn(count, &book, consume)
            first += count
        }
    }

    /// Turns rows into flows and hands them on; what they add up to.
    private mutating func handOn(_ count: Int, _ book: inout KernelBook, _ consume: (Span<CapturedFlow>) -> Void) -> Amount {
        flows.removeAll(keepingCapacity: true)
        let sum = reader.read(rows, count, translator.rows, into: &flows, &book)
        if !flows.isEmpty { consume(flows.span) }
        return sum
    }

    // MARK: Another plan

    /// Whether `replace` can go over to `next`: it gets the same source here and now, attached in the same way. Throws, with
    /// nothing changed, when this host cannot do what `next` asks for.
    public func canReplace(with next: CapturePlan) throws(CaptureError) -> Bool {
        try newChoice(next).source == choice.source && next.flavor == plan.flavor
    }

    private func newChoice(_ next: CapturePlan) throws(CaptureError) -> SourceChoice {
        let choice = try SourceChoice(next, HostFacts.read(links.table, rights: .effective, refused: refused))
        // A reload with another source ends this capture before the next one starts, which must not fail for want of rights then.
        let missing = Capabilities.effective.missing(for: choice.source)
        guard missing.isEmpty else {
            throw CaptureError(
                "capture by \(choice.source.rawValue)", needed: missing.joined(separator: ", "), found: "a process without",
                remedy: "give the service these capabilities and restart it, or keep the source \(self.choice.source.rawValue)")
        }
        return choice
    }

    /// Goes over to another plan without a gap: loads its programs, puts each in the place of the old one, then hands on
    /// what the old maps hold. A packet is counted by the one or the other. When loading fails the old plan goes on; an
    /// error after the first program changed places is fatal.
    public mutating func replace(with next: CapturePlan, _ consume: (Span<CapturedFlow>) -> Void) throws(CaptureError) -> KernelBook {
        try replace(with: next) { flows, _ in consume(flows) }
    }

    /// The same; `consume` is told too of how many packets one was counted: that is still the old plan's.
    public mutating func replace(
        with next: CapturePlan, _ consume: (Span<CapturedFlow>, _ samplingRate: UInt32) -> Void
    ) throws(CaptureError) -> KernelBook {
        let nextChoice = try newChoice(next)
        guard nextChoice.source == choice.source, next.flavor == plan.flavor else {
            throw CaptureError(
                "change the capture in place", needed: "the source \(choice.source.rawValue)", found: nextChoice.source.rawValue,
                remedy: "start another capture")
        }
        let nextTranslator = try Translator.start(next.nat)
        let next = next.translating(nextTranslator.choice.isOn)
        let fresh = try FlowObject.load(next, source: choice.source)
        let freshWaiter = try Self.makeWaiter(fresh, links, interruptor)
        var freshPins = try PinnedMaps.follow(pins, next.pin)
        try freshPins?.pin(fresh)
        if choice.source == .cgroup {
            for (index, name) in Self.socketPrograms.enumerated() {
                let result = capture_replace(socketLinks[index].number, fresh.program(name))
                guard result < 0 else { continue }
                let error = CaptureError(
                    "replace \(name)", needed: "BPF_LINK_UPDATE", found: errorText(-result), remedy: "restart instead of reloading")
                // One program writes to the new maps, the other to the old ones, and no way back is sure to work.
                if index > 0 { throw error.asFatal }
                freshPins?.removeOwn()
                throw error
            }
        } else {
            attachments.follow(DevicePlan(links.table, next.interfaces, next.tunnels), fresh, anew: true, log)
            attachments.tellNone(next.interfaces, log)
        }
        // Nobody writes to the old maps any more; both generations may hold something.
        var book: KernelBook
        do throws(CaptureError) {
            book = try drain(consume)
            book += try drain(consume)
        } catch { throw error.asFatal }
        pins?.removeOwn()
        pins = freshPins
        waiter = freshWaiter
        object = fresh
        // What it had learnt is asked again within one drain.
        translator = nextTranslator
        plan = next
        choice = nextChoice
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

    /// After the last drain: removes the pinned maps, which hold nothing any more, and lets another process have the folder.
    public mutating func unpin() {
        pins?.removeOwn()
        pins = nil
    }

    /// Names by interface number, of this network namespace. One that left keeps its name until the next drain is done.
    public var interfaceNames: [UInt32: String] { links.table.links.mapValues(\.name).merging(departed) { there, _ in there } }

    /// Devices with programs on them; nil for sockets. Zero means that nothing is counted.
    public var attachedCount: Int? { choice.source.isAtDevices ? attachments.count : nil }

    /// Devices that should have programs and to which none could be attached; nil for sockets.
    public var refusedCount: Int? { choice.source.isAtDevices ? attachments.refusedCount : nil }

    /// What did not fit into the memories across windows.
    public var limits: CaptureLimits {
        var limits = reader.limits
        limits.tunnelEnds = attachments.lostTunnelEnds
        limits.translations = translator.dropped
        limits.listeners = listeners.turnedAway
        return limits
    }

    /// One in this many packets is counted.
    public var sampling: Int { plan.sampling }

    /// Whether the real ends of translated connections are looked up, and why.
    public var translation: TranslationChoice { translator.choice }

    /// `auto` would say yes by now: this host has begun to track connections. `replace` with the same plan goes over.
    public var wantsTranslation: Bool {
        plan.nat == .auto && !translator.choice.isOn && !translator.choice.isRefused && TranslationChoice(.auto, .here).isOn
    }

    /// For `weir explain`.
    public var facts: CaptureFacts {
        CaptureFacts(
            choice: choice, flavor: choice.source == .tc ? attachments.flavor : nil, shape: object.shape,
            interfaces: attachments.devices.map {
                CaptureFacts.Interface(index: $0.index, name: $0.name, role: $0.role, isEthernet: $0.isEthernet)
            },
            unseen: unseenPaths(links.table), netlinkOverruns: links.overruns,
            watchFailures: attachments.watchFailures)
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds > Int64(Int32.max) ? .max : seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture
private import Glibc
internal import Logging
private import Netlink

/// The programs on devices: brought in step with a `DevicePlan` whenever netlink reports a change.
struct Attachments: Sendable {
    private struct Attachment {
        var device: Device
        var hooks: [Hook]
    }
    fileprivate enum Hook {
        /// A `bpf_link`, attached for as long as its descriptor lives.
        case link(Descriptor, ingress: Bool)
        case filter(capture_filter)
        /// A packet socket, which sees both ways for as long as its descriptor lives.
        case socket(Descriptor)
    }

    /// What was said about a device already: it would be said again at every change of any device.
    private struct Refusal: Equatable {
        var name: String
        var number: Int32
    }

    private var attachments: [UInt32: Attachment] = [:]
    private var refusals: [UInt32: Refusal] = [:]
    /// Devices that were looked over for what a killed process of ours left.
    private var swept: Set<UInt32> = []
    /// What the kernel half knows as watched.
    private var watched: Set<UInt32> = []
    /// Devices that should be watched and are not, since the map was full: their packets may count twice.
    private(set) var unwatched: Set<UInt32> = []
    /// How often a device could not be added to the watched ones.
    private(set) var watchFailures: UInt64 = 0
    /// What the kernel half knows as ends of tunnels.
    private var tunnelEnds: Set<TunnelEnd> = []
    private var unnotedTunnelEnds: Set<TunnelEnd> = []
    /// Ends that found no room in the map: the packets around those of the tunnel count too.
    private(set) var lostTunnelEnds: UInt64 = 0
    private var hasToldNone = false
    /// Devices whose clsact qdisc is ours to remove.
    private var ownQdiscs: Set<UInt32> = []
    /// Packet sockets instead of programs of tc.
    private let areSockets: Bool
    /// Settled by the first device; `.auto` until then.
    private(set) var flavor: DeviceFlavor
    /// The first refusal of the last `follow`, for an error when nothing could be attached.
    private(set) var refusal: (device: String, number: Int32)?

    init(_ flavor: DeviceFlavor, sockets: Bool) {
        self.flavor = flavor
        areSockets = sockets
    }

    var count: Int { attachments.count }

    /// Devices that should have programs and have none: what passes them alone is not counted.
    var refusedCount: Int { refusals.count }

    var devices: [Device] { attachments.values.map(\.device).sorted { $0.index < $1.index } }

    /// Attaches what is new, swaps what changed its role, lets go of what left. With `anew` `object` is another one than
    /// before: its programs take the place of the old ones, device by device, without a packet between.
    mutating func follow(_ plan: DevicePlan, _ object: borrowing FlowObject, anew: Bool = false, _ log: Logger) {
        refusal = nil
        if anew { (watched, tunnelEnds) = ([], []) }
        followTunnels(Set(plan.tunnelEnds.values.joined()), object, log)
        // Watched before attached: for a moment a packet may be missed, but none is counted twice.
        let wereUnwatched = unwatched
        unwatched = []
        for index in plan.watched.subtracting(watched) {
            let result = object.watch(index, true)
            guard result < 0 else { continue }
            unwatched.insert(index)
            watchFailures += 1
            guard !wereUnwatched.contains(index) else { continue }
            log.warning("could not watch an interface", metadata: ["interface.index": "\(index)", "error": "\(errorText(-result))"])
        }
        remove { plan.attached[$0] == nil }
        swept.formIntersection(plan.attached.keys)
        refusals = refusals.filter { plan.attached[$0.key] != nil || plan.unreadable[$0.key] != nil }
        for device in plan.unreadable.values {
            tell(device, EPROTONOSUPPORT, "its link header is neither Ethernet's nor none", log)
        }
        var refused: Set<UInt32> = []
        for device in plan.attached.values.sorted(by: { $0.index < $1.index }) where anew || attachments[device.index]?.device != device {
            let old = attachments[device.index]
            switch attach(device, replacing: old, object) {
            case .success(let attachment):
                attachments[device.index] = attachment
                refusals[device.index] = nil
                let by = areSockets ? "socket" : flavor.rawValue
                log.debug("attached", metadata: ["interface": "\(device.name)", "role": "\(device.role)", "by": "\(by)"])
            case .failure(let error):
                if anew || areSockets, let old {
                    // Programs that write where nobody reads any more would hide the gap, and so would a socket whose filter counts nothing.
                    remove(old)
                    attachments[device.index] = nil
                }
                if refusal == nil { refusal = (device.name, error.number) }
                // What comes in there unseen counts where it leaves.
                if attachments[device.index] == nil, object.watch(device.index, false) == 0 { refused.insert(device.index) }
                // A device that vanished meanwhile is no news.
                if error.number != ENODEV { tell(device, error.number, errorText(error.number), log) }
            }
        }
        // Where nothing looks into a tunnel, what is around its packets counts.
        followTunnels(Set(plan.tunnelEnds.filter { attachments[$0.key] != nil }.values.joined()), object, log)
        for index in watched.subtracting(plan.watched) { _ = object.watch(index, false) }
        watched = plan.watched.subtracting(unwatched).subtracting(refused)
    }

    /// Before the tunnels are attached: for a moment a packet may be missed, but none is counted twice.
    private mutating func followTunnels(_ ends: Set<TunnelEnd>, _ object: borrowing FlowObject, _ log: Logger) {
        for end in tunnelEnds.subtracting(ends) { _ = object.tunnel(end, false) }
        tunnelEnds.formIntersection(ends)
        var error: Int32 = 0
        for end in ends.subtracting(tunnelEnds) {
            let result = object.tunnel(end, true)
            if result < 0 { error = result } else { tunnelEnds.insert(end) }
        }
        let lost = ends.subtracting(tunnelEnds)
        let news = lost.subtracting(unnotedTunnelEnds)
        unnotedTunnelEnds = lost
        guard !news.isEmpty else { return }
        lostTunnelEnds += UInt64(news.count)
        log.warning("could not note the end of a tunnel", metadata: ["ends": "\(news.count)", "error": "\(errorText(-error))"])
    }

    /// Why a device has no programs, once.
    private mutating func tell(_ device: Device, _ number: Int32, _ reason: String, _ log: Logger) {
        let refusal = Refusal(name: device.name, number: number)
        guard refusals.updateValue(refusal, forKey: device.index) != refusal else { return }
        log.warning("could not attach", metadata: ["interface": "\(device.name)", "error": "\(reason)"])
    }

    /// Says once that nothing is captured, and again after something was.
    mutating func tellNone(_ filter: InterfaceFilter, _ log: Logger) {
        guard attachments.isEmpty else { hasToldNone = false; return }
        guard !hasToldNone else { return }
        hasToldNone = true
        log.warning(
            "no interface is captured",
            metadata: [
                "include": "\(filter.include.map(\.description).joined(separator: ", "))",
                "exclude": "\(filter.exclude.map(\.description).joined(separator: ", "))",
            ])
    }

    mutating func removeAll() {
        remove { _ in true }
    }

    private mutating func remove(where isGone: (UInt32) -> Bool) {
        var sockets = letGo(where: isGone)
        // Read before the call returns.
        unsafe capture_close_together(&sockets, UInt32(sockets.count))
    }

    /// Second descriptors of the packet sockets among them, by which they are still open: closed one by one, each would wait for the
    /// kernel anew.
    private mutating func letGo(where isGone: (UInt32) -> Bool) -> [Int32] {
        var sockets: [Int32] = []
        for (index, attachment) in attachments where isGone(index) {
            for case .socket(let socket) in attachment.hooks { sockets.append(fcntl(socket.number, F_DUPFD_CLOEXEC, 0)) }
            remove(attachment)
            attachments[index] = nil
        }
        return sockets
    }

    private struct Refused: Error { var number: Int32 }

    private mutating func attach(
        _ device: Device, replacing old: Attachment?, _ object: borrowing FlowObject
    ) -> Result<Attachment, Refused> {
        if areSockets { return open(device, replacing: old, object) }
        if old == nil, swept.insert(device.index).inserted {
            // A filter of clsact takes the place of the one that was left; a link stands beside it.
            if flavor == .clsact { adoptQdisc(device.index) } else { sweep(device.index) }
        }
        var hooks: [Hook] = []
        // Egress first: a packet on its way through must not be counted at ingress and then again as unwatched.
        for ingress in device.role == .loopback ? [false] : [false, true] {
            let program = object.program(programName(device, ingress: ingress))
            let previous = old?.hooks.first { $0.isIngress == ingress }
            switch attach(program, device, ingress: ingress, replacing: previous) {
            case .success(let hook): hooks.append(hook)
            case .failure(let error):
                for hook in hooks { remove(hook) }
                if old == nil { sweep(device.index) }
                return .failure(error)
            }
        }
        return .success(Attachment(device: device, hooks: hooks))
    }

    /// One socket for both ways, which keeps its place when the program is another one.
    private func open(_ device: Device, replacing old: Attachment?, _ object: borrowing FlowObject) -> Result<Attachment, Refused> {
        let program = object.program("weir_packet_\(device.role.rawValue)_\(device.isEthernet ? "eth" : "raw")")
        guard program >= 0 else { return .failure(Refused(number: -program)) }
        if let old, case .socket(let socket)? = old.hooks.first {
            let result = capture_replace_packets(socket.number, program)
            return result < 0 ? .failure(Refused(number: -result)) : .success(Attachment(device: device, hooks: old.hooks))
        }
        let socket = capture_open_packets(program, device.index)
        guard socket >= 0 else { return .failure(Refused(number: -socket)) }
        let held = Descriptor(socket)
        // As for links, below.
        return socket < descriptorsForDevices() ? .success(Attachment(device: device, hooks: [.socket(held)])) : .failure(Refused(number: EMFILE))
    }

    private mutating func attach(
        _ program: Int32, _ device: Device, ingress: Bool, replacing previous: Hook?
    ) -> Result<Hook, Refused> {
        guard program >= 0 else { return .failure(Refused(number: -program)) }
        if case .link(let link, _)? = previous {
            let result = capture_replace(link.number, program)
            return result < 0 ? .failure(Refused(number: -result)) : .success(.link(link, ingress: ingress))
        }
        if flavor != .clsact {
            let link = capture_attach_tcx(program, device.index, ingress)
            if link >= 0 {
                flavor = .tcx
                let held = Descriptor(link)
                // Numbers are given from below, so this one says how many are open. One too many is closed again here.
                return link < descriptorsForDevices() ? .success(.link(held, ingress: ingress)) : .failure(Refused(number: EMFILE))
            }
            // EINVAL is what a kernel before 6.6 says to an attach type that it does not know.
            guard flavor == .auto, link == -EINVAL else { return .failure(Refused(number: -link)) }
            flavor = .clsact
        }
        let made = capture_clsact_add(device.index)
        if made < 0 { return .failure(Refused(number: -made)) }
        if made == 1 { ownQdiscs.insert(device.index) }
        return attachFilter(program, device.index, ingress: ingress).map { .filter($0) }
    }

    /// Where our filters stand: "weir".
    private static let handle: UInt32 = 0x7765_6972
    private static let priorities: ClosedRange<UInt32> = 1...8

    /// Adds or replaces our filter at our handle; never another program's.
    private func attachFilter(_ program: Int32, _ index: UInt32, ingress: Bool) -> Result<capture_filter, Refused> {
        guard let there = TrafficFilter.all(interface: index, ingress: ingress) else { return .failure(Refused(number: EIO)) }
        var number = EBUSY
        // Where one of ours stands it is replaced, between two packets; else the first priority where a BPF filter may stand: another kind
        // of filter keeps its priority for itself.
        let ours = there.first { $0.isOurs && $0.handle == Self.handle && Self.priorities.contains($0.priority) }
        for priority in (ours.map { [$0.priority] } ?? []) + Self.priorities
        where !there.contains(where: { $0.handle == Self.handle && $0.priority == priority && !$0.isOurs }) {
            var filter = capture_filter(ifindex: index, handle: Self.handle, priority: priority, ingress: ingress)
            // Read before the call returns.
            let result = unsafe capture_filter_add(program, &filter)
            if result >= 0 { return .success(filter) }
            number = -result
        }
        return .failure(Refused(number: number))
    }

    /// A qdisc that holds nothing but what a killed process of ours left was ours too.
    private mutating func adoptQdisc(_ index: UInt32) {
        let left = [false, true].flatMap { TrafficFilter.all(interface: index, ingress: $0) ?? [] }
        if !left.isEmpty, left.allSatisfy(\.isOurs) { ownQdiscs.insert(index) }
    }

    /// Removes what a killed process of ours left on other devices than `plan` attaches: it goes on counting into maps that are
    /// about to be drained for the last time. Returns the devices where some stay, for want of the right to remove them.
    mutating func sweepOthers(_ devices: some Sequence<UInt32>, _ plan: DevicePlan?) -> [UInt32] {
        var staying: [UInt32] = []
        for index in devices where plan?.attached[index] == nil {
            if !sweep(index) { staying.append(index) }
            removeOwnQdisc(index)
        }
        return staying
    }

    /// Removes what a killed process of ours left; a qdisc that held nothing else was ours too. Returns whether nothing of it stays.
    @discardableResult
    private mutating func sweep(_ index: UInt32) -> Bool {
        var (hasSwept, isClean) = (false, true)
        for ingress in [false, true] {
            for left in TrafficFilter.all(interface: index, ingress: ingress) ?? []
            where left.handle == Self.handle && Self.priorities.contains(left.priority) && left.isOurs {
                var filter = capture_filter(ifindex: index, handle: left.handle, priority: left.priority, ingress: ingress)
                // Read before the call returns.
                if unsafe capture_filter_remove(&filter) == 0 { hasSwept = true } else { isClean = false }
            }
        }
        if hasSwept, isEmpty(index) { ownQdiscs.insert(index) }
        return isClean
    }

    private func isEmpty(_ index: UInt32) -> Bool {
        [false, true].allSatisfy { TrafficFilter.all(interface: index, ingress: $0)?.isEmpty == true }
    }

    private mutating func remove(_ attachment: Attachment) {
        for hook in attachment.hooks { remove(hook) }
        removeOwnQdisc(attachment.device.index)
    }

    private mutating func removeOwnQdisc(_ index: UInt32) {
        if ownQdiscs.remove(index) != nil, isEmpty(index) { _ = capture_clsact_remove(index) }
    }

    private func remove(_ hook: Hook) {
        // A link leaves with its last reference, and so does a socket.
        if case .filter(var filter) = hook { _ = unsafe capture_filter_remove(&filter) }
    }

    private func programName(_ device: Device, ingress: Bool) -> String {
        "weir_\(!ingress ? "out" : device.role == .port ? "port" : "uplink")_\(device.isEthernet ? "eth" : "raw")"
    }
}

extension TrafficFilter {
    /// The kernel half's programs are all called so.
    fileprivate var isOurs: Bool { name.hasPrefix("weir_") }
}

extension Attachments.Hook {
    fileprivate var isIngress: Bool {
        switch self {
        case .link(_, let ingress): ingress
        case .filter(let filter): filter.ingress
        case .socket: false
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import Netlink

/// Which source a plan gets on this host, and why it is not another one.
public struct SourceChoice: Sendable, Equatable {
    public struct Turned: Sendable, Equatable {
        public var source: CaptureSource
        public var reason: String

        package init(source: CaptureSource, reason: String) {
            self.source = source
            self.reason = reason
        }
    }

    public var source: CaptureSource
    public var because: String
    public var notTaken: [Turned]
}

/// What a choice depends on: read once, or made up by a test.
package struct HostFacts: Sendable {
    package var forwarding: [String] = []
    package var bridges: [String] = []
    package var taps: [String] = []
    package var cgroupRoot: Result<CgroupRoot, CaptureError>
    package var hasTCX = true
    /// Of who captures; nil where nobody does, and `weir explain` only asks.
    package var rights: Capabilities?
    /// What `auto` has tried in vain.
    package var refused: [SourceChoice.Turned] = []

    package init(cgroupRoot: Result<CgroupRoot, CaptureError>) { self.cgroupRoot = cgroupRoot }

    package static func read(_ table: LinkTable, rights: Capabilities? = nil, refused: [SourceChoice.Turned] = []) -> HostFacts {
        var facts = HostFacts(cgroupRoot: CgroupRoot.find())
        facts.rights = rights
        facts.refused = refused
        for name in ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"] {
            let path = "/proc/sys/" + String(name.map { $0 == "." ? "/" : $0 })
            if let text = systemText(path), text.hasPrefix("1") { facts.forwarding.append(name) }
        }
        let links = table.links.values.sorted { $0.index < $1.index }
        facts.bridges = links.filter { bridge in bridge.kind == "bridge" && links.contains { $0.master == bridge.index } }.map(\.name)
        facts.taps = links.filter { $0.kind == "tun" && $0.hardware == 1 }.map(\.name)
        facts.hasTCX = KernelVersion.running >= KernelVersion(major: 6, minor: 6)
        return facts
    }

    /// Why sockets alone would not see everything here; nil when they would.
    package var forwards: String? {
        if !forwarding.isEmpty { return "this host forwards packets (\(forwarding.joined(separator: ", ")) is 1)" }
        if !bridges.isEmpty { return "bridge \(bridges.joined(separator: ", ")) has ports" }
        if !taps.isEmpty { return "tap \(taps.joined(separator: ", ")) belongs to a virtual machine" }
        return nil
    }
}

extension SourceChoice {
    /// The choice for `plan`. Throws when the plan asks for what its source cannot do.
    package init(_ plan: CapturePlan, _ facts: HostFacts) throws(CaptureError) {
        let cgroupProblem = Self.cgroupProblem(plan, facts)
        let device = facts.hasTCX && plan.flavor != .clsact ? "tcx" : "clsact"
        switch plan.source {
        case .cgroup:
            if let cgroupProblem { throw cgroupProblem }
            source = .cgroup
            because = "the configuration says so"
            notTaken = []
        case .tc:
            source = .tc
            because = "the configuration says so (\(device))"
            notTaken = []
        case .socket:
            guard facts.rights?.mayOpenPackets != false else {
                throw CaptureError(
                    "capture with packet sockets", needed: "CAP_NET_RAW, from the start of the agent on", found: "a process without",
                    remedy: "give the service this capability and restart it, or take another source")
            }
            source = .socket
            because = "the configuration says so"
            notTaken = []
        case .auto:
            self = try Self.best(device, cgroup: facts.forwards.map { $0 + ", which sockets do not see" } ?? cgroupProblem?.description, facts)
        }
    }

    /// The first that nothing hinders: cgroup, tc, packet sockets. `hindrance`: why sockets of cgroups cannot be taken, if so.
    private static func best(_ device: String, cgroup hindrance: String?, _ facts: HostFacts) throws(CaptureError) -> SourceChoice {
        func refused(_ source: CaptureSource) -> String? { facts.refused.first { $0.source == source }?.reason }
        let noRight = facts.rights?.mayAttach == false ? "attaching takes CAP_NET_ADMIN, which the process does not have" : nil
        let noPackets = facts.rights?.mayOpenPackets == false ? "packet sockets take CAP_NET_RAW, which the process does not have" : nil
        guard let cgroup = hindrance ?? noRight ?? refused(.cgroup) else {
            return SourceChoice(
                source: .cgroup, because: "nothing is forwarded here, so sockets see everything, with their owners",
                notTaken: [
                    Turned(source: .tc, reason: "knows no owners, and sees nothing more here"),
                    Turned(source: .socket, reason: noPackets ?? "the same, and each packet that is sent costs more"),
                ])
        }
        guard let devices = noRight ?? refused(.tc) else {
            return SourceChoice(
                source: .tc, because: "sees all that passes the interfaces (\(device))",
                notTaken: [
                    Turned(source: .cgroup, reason: cgroup),
                    Turned(source: .socket, reason: noPackets ?? "sees no more, and each packet that is sent costs more"),
                ])
        }
        guard let packets = noPackets ?? refused(.socket) else {
            return SourceChoice(
                source: .socket, because: "sees all that passes the interfaces, where nothing may be attached",
                notTaken: [Turned(source: .cgroup, reason: cgroup), Turned(source: .tc, reason: devices)])
        }
        throw CaptureError(
            "choose a source", needed: "one that this host lets us take", found: "cgroup: \(cgroup); tc: \(devices); socket: \(packets)",
            remedy: "lift one of these; capture.source names one to be tried alone")
    }

    private static func cgroupProblem(_ plan: CapturePlan, _ facts: HostFacts) -> CaptureError? {
        if case .failure(let error) = facts.cgroupRoot { return error }
        if plan.interfaces.asLoopbackRule == nil {
            return CaptureError(
                "choose interfaces", needed: "capture.interfaces that say no more than exclude: [lo]",
                found: "other patterns, and interface numbers that mean another interface in each network namespace",
                remedy: "drop them or set capture.source: tc")
        }
        if plan.interface {
            return CaptureError(
                "name interfaces", needed: "a source that sees interfaces", found: "cgroup",
                remedy: "drop the interface attribute or set capture.source: tc")
        }
        return nil
    }
}

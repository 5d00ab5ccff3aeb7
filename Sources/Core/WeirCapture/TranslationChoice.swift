// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import Netlink

/// `accounting.nat`: whether the real ends of translated connections are looked up.
public enum TranslationMode: String, Sendable, CaseIterable {
    /// Where this host's connection tracking knows connections.
    case auto
    case on
    case off
}

/// Whether rows are translated on this host, and why.
public struct TranslationChoice: Sendable, Equatable {
    public var isOn: Bool
    public var because: String
    /// It would be on, and connection tracking refused to answer.
    var isRefused = false

    package init(_ mode: TranslationMode, _ facts: ConntrackFacts) {
        switch (mode, facts.tracked) {
        case (.off, _): (isOn, because) = (false, "the configuration says so")
        case (.on, _): (isOn, because) = (true, "the configuration says so")
        case (.auto, nil): (isOn, because) = (false, "this kernel tracks no connections (nf_conntrack is not loaded), so it translates none")
        case (.auto, 0?): (isOn, because) = (false, "no connection is tracked here yet; the agent looks again in every window")
        case (.auto, let tracked?): (isOn, because) = (true, "this host tracks connections (\(tracked) now), so it may translate them")
        }
    }

    init(refused error: ConntrackError) {
        isOn = false
        because = "connection tracking cannot be asked: \(error)"
        isRefused = true
    }
}

/// What anybody may know of the connection tracking of this network namespace.
package struct ConntrackFacts: Sendable {
    /// How many connections are tracked; nil where the kernel tracks none at all.
    package var tracked: Int?

    package init(tracked: Int?) { self.tracked = tracked }

    package static var here: ConntrackFacts {
        let digits = systemText("/proc/sys/net/netfilter/nf_conntrack_count")?.prefix { $0.isNumber }
        return ConntrackFacts(tracked: digits.flatMap { Int($0) })
    }
}

extension CapturePlan {
    /// What it becomes on this host: looking up real ends adds ports and handshakes to what the kernel keeps.
    public var onThisHost: CapturePlan { translating(TranslationChoice(nat, .here).isOn) }

    func translating(_ translates: Bool) -> CapturePlan {
        var plan = self
        plan.translates = translates
        return plan
    }
}

/// Who translates here without connection tracking, as far as the names of devices tell; one sentence each.
package func foreignTranslators(_ table: LinkTable) -> [String] {
    let names = table.links.values.map(\.name).sorted()
    return [("Cilium", ["cilium_host", "cilium_net"]), ("Calico's eBPF", ["bpfin.cali", "bpfout.cali", "bpfnatin", "bpfnatout"])].compactMap {
        who, devices in
        guard let device = names.first(where: devices.contains) else { return nil }
        return "\(device) is \(who): what it translates by itself is unknown to connection tracking, and keeps the address that was dialled"
    }
}

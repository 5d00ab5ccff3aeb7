// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture

/// What a process may do beyond its user's rights: a set of the kernel's capabilities.
public struct Capabilities: Sendable, Equatable {
    /// A bit for each, by the kernel's numbers (`linux/capability.h`).
    package let bits: UInt64

    package init(bits: UInt64) { self.bits = bits }

    private static let netAdmin = 12
    private static let netRaw = 13
    private static let sysAdmin = 21
    private static let perfmon = 38
    private static let bpf = 39

    /// The ones that loading takes, whatever the source.
    private static let loading = [(bpf, "CAP_BPF"), (perfmon, "CAP_PERFMON")]

    /// This thread's, from `/proc`.
    public static var effective: Capabilities {
        Capabilities(bits: number("CapEff:", radix: 16) ?? 0)
    }

    package func has(_ number: Int) -> Bool { bits >> number & 1 == 1 }

    /// May attach to devices and to the tree of cgroups.
    package var mayAttach: Bool { has(Self.netAdmin) }

    /// May open packet sockets.
    package var mayOpenPackets: Bool { has(Self.netRaw) }

    /// What loading and attaching for `source` takes and the process does not have: at the start, at a reload, and when a device comes.
    /// CAP_SYS_ADMIN contains BPF and PERFMON. A packet socket needs no right to attach, and `auto` may come to one.
    package func missing(for source: CaptureSource) -> [String] {
        var missing: [String] = []
        switch source {
        case .socket: if !mayOpenPackets { missing.append("CAP_NET_RAW") }
        case .auto: if !mayAttach, !mayOpenPackets { missing.append("CAP_NET_ADMIN") }
        case .tc, .cgroup: if !mayAttach { missing.append("CAP_NET_ADMIN") }
        }
        return missing + Self.loading.filter { !has($0.0) && !has(Self.sysAdmin) }.map(\.1)
    }

    /// Those that the capture needs as long as it lives, where the process has them. The right to attach also asks connection tracking;
    /// the one to open packet sockets is kept only for the source that needs it, and for `auto`, which may come to it. CAP_SYS_ADMIN
    /// only where it stands for one that is not there.
    package func kept(for source: CaptureSource) -> Capabilities {
        var wanted = [Self.netAdmin, Self.bpf, Self.perfmon]
        if source == .socket || source == .auto { wanted.append(Self.netRaw) }
        if !has(Self.bpf) || !has(Self.perfmon) { wanted.append(Self.sysAdmin) }
        return Capabilities(bits: bits & wanted.reduce(0) { $0 | 1 << UInt64($1) })
    }

    /// Gives up all that a capture by `source` does not need, for this process and for ever: reading and writing other users' files,
    /// loading kernel modules, entering namespaces, … To be called before the first other thread: the kernel keeps capabilities
    /// by thread. Throws an error, with nothing to be undone, where that is too late or the kernel refuses.
    public static func giveUpTheRest(for source: CaptureSource) throws(CaptureError) {
        let threads = number("Threads:", radix: 10) ?? 0
        guard threads == 1 else {
            throw CaptureError("give up capabilities", needed: "a process with one thread", found: "\(threads)", remedy: "do so before others start")
        }
        let result = capture_keep_capabilities(effective.kept(for: source).bits)
        guard result == 0 else {
            throw CaptureError(
                "give up capabilities", needed: "leave to call capset", found: errorText(-result), remedy: "allow it in the service's sandbox")
        }
    }

    private static func number(_ key: String, radix: Int) -> UInt64? {
        let line = (systemText("/proc/thread-self/status") ?? "").split(separator: "\n").first { $0.hasPrefix(key) }
        return line?.split(separator: "\t").last.flatMap { UInt64($0, radix: radix) }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture

/// What a process may do beyond its user's rights: a set of the kernel's capabilities.
public struct Capabilities: Sendable, Equatable {
    /// A bit for each, by the kernel's numbers (`linux/capability.h`).
    package let bits: UInt64

    package init(bits: UInt64) { self.bits = bits }

    private static let netAdmin = 12
    private static let sysAdmin = 21
    private static let perfmon = 38
    private static let bpf = 39

    /// The ones that loading and attaching programs takes: at the start, at a reload, and when a device comes.
    private static let needed = [(netAdmin, "CAP_NET_ADMIN"), (bpf, "CAP_BPF"), (perfmon, "CAP_PERFMON")]

    /// This thread's, from `/proc`.
    public static var effective: Capabilities {
        Capabilities(bits: number("CapEff:", radix: 16) ?? 0)
    }

    package func has(_ number: Int) -> Bool { bits >> number & 1 == 1 }

    /// What loading and attaching takes and the process does not have. CAP_SYS_ADMIN contains BPF and PERFMON.
    package var missing: [String] {
        Self.needed.filter { !has($0.0) && ($0.0 == Self.netAdmin || !has(Self.sysAdmin)) }.map(\.1)
    }

    /// Those of them that the capture needs as long as it lives. CAP_SYS_ADMIN only where it stands for one that is not there.
    package var kept: Capabilities {
        var kept = Self.needed.reduce(UInt64(0)) { $0 | (has($1.0) ? 1 << UInt64($1.0) : 0) }
        if !has(Self.bpf) || !has(Self.perfmon) { kept |= bits & 1 << UInt64(Self.sysAdmin) }
        return Capabilities(bits: kept)
    }

    /// Gives up all that the capture does not need, for this process and for ever: reading and writing other users' files,
    /// loading kernel modules, entering namespaces, … To be called before the first other thread: the kernel keeps capabilities
    /// by thread. Throws an error, with nothing to be undone, where that is too late or the kernel refuses.
    public static func giveUpTheRest() throws(CaptureError) {
        let threads = number("Threads:", radix: 10) ?? 0
        guard threads == 1 else {
            throw CaptureError("give up capabilities", needed: "a process with one thread", found: "\(threads)", remedy: "do so before others start")
        }
        let result = capture_keep_capabilities(effective.kept.bits)
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

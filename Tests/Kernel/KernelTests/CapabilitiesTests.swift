// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirCapture

/// What a process keeps of what it was given; that it gives up the rest is seen from outside, by the end-to-end story `rights`.
@Suite
struct CapabilitiesTests {
    private static let netAdmin: UInt64 = 1 << 12
    private static let netRaw: UInt64 = 1 << 13
    private static let sysAdmin: UInt64 = 1 << 21
    private static let perfmon: UInt64 = 1 << 38
    private static let bpf: UInt64 = 1 << 39

    @Test("of all that root has three are kept, and for packet sockets four", arguments: CaptureSource.allCases)
    func root(source: CaptureSource) {
        let all = Capabilities(bits: (1 << 41) - 1)
        #expect(all.missing(for: source) == [])
        let packets = source == .socket || source == .auto ? Self.netRaw : 0
        #expect(all.kept(for: source) == Capabilities(bits: Self.netAdmin | Self.perfmon | Self.bpf | packets))
    }

    @Test("CAP_SYS_ADMIN stands for what it contains, and is kept only then")
    func admin() {
        let admin = Capabilities(bits: Self.netAdmin | Self.sysAdmin)
        #expect(admin.missing(for: .tc) == [])
        #expect(admin.kept(for: .tc) == admin)
        #expect(Capabilities(bits: admin.bits | Self.bpf).kept(for: .tc).bits == admin.bits | Self.bpf)
    }

    @Test("what is missing is named, and nothing is kept that was not there")
    func missing() {
        #expect(Capabilities(bits: 0).missing(for: .tc) == ["CAP_NET_ADMIN", "CAP_BPF", "CAP_PERFMON"])
        #expect(Capabilities(bits: Self.sysAdmin).missing(for: .cgroup) == ["CAP_NET_ADMIN"])
        #expect(Capabilities(bits: Self.bpf).missing(for: .tc) == ["CAP_NET_ADMIN", "CAP_PERFMON"])
        for source in CaptureSource.allCases { #expect(Capabilities(bits: 0).kept(for: source) == Capabilities(bits: 0)) }
    }

    @Test("packet sockets take another right than attaching, and for auto one of the two will do")
    func packets() {
        let loading = Self.bpf | Self.perfmon
        #expect(Capabilities(bits: loading | Self.netAdmin).missing(for: .socket) == ["CAP_NET_RAW"])
        #expect(Capabilities(bits: loading | Self.netRaw).missing(for: .socket) == [])
        #expect(Capabilities(bits: loading | Self.netRaw).missing(for: .auto) == [])
        #expect(Capabilities(bits: loading | Self.netAdmin).missing(for: .auto) == [])
        #expect(Capabilities(bits: loading).missing(for: .auto) == ["CAP_NET_ADMIN"])
        #expect(Capabilities(bits: loading | Self.netRaw).missing(for: .tc) == ["CAP_NET_ADMIN"])
    }

    @Test("with more than one thread nothing is given up")
    func late() {
        // The test runner has many.
        #expect(throws: CaptureError.self) { try Capabilities.giveUpTheRest(for: .tc) }
        #expect(Capabilities.effective.missing(for: .tc) == [])
    }
}

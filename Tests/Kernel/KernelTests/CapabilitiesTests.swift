// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirCapture

/// What a process keeps of what it was given; that it gives up the rest is seen from outside, by the end-to-end story `rights`.
@Suite
struct CapabilitiesTests {
    private static let netAdmin: UInt64 = 1 << 12
    private static let sysAdmin: UInt64 = 1 << 21
    private static let perfmon: UInt64 = 1 << 38
    private static let bpf: UInt64 = 1 << 39

    @Test("all that root has: three are kept")
    func root() {
        let all = Capabilities(bits: (1 << 41) - 1)
        #expect(all.missing == [])
        #expect(all.kept == Capabilities(bits: Self.netAdmin | Self.perfmon | Self.bpf))
    }

    @Test("CAP_SYS_ADMIN stands for what it contains, and is kept only then")
    func admin() {
        let admin = Capabilities(bits: Self.netAdmin | Self.sysAdmin)
        #expect(admin.missing == [])
        #expect(admin.kept == admin)
        #expect(Capabilities(bits: admin.bits | Self.bpf).kept.bits == admin.bits | Self.bpf)
    }

    @Test("what is missing is named, and nothing is kept that was not there")
    func missing() {
        #expect(Capabilities(bits: 0).missing == ["CAP_NET_ADMIN", "CAP_BPF", "CAP_PERFMON"])
        #expect(Capabilities(bits: Self.sysAdmin).missing == ["CAP_NET_ADMIN"])
        #expect(Capabilities(bits: Self.bpf).missing == ["CAP_NET_ADMIN", "CAP_PERFMON"])
        #expect(Capabilities(bits: 0).kept == Capabilities(bits: 0))
    }

    @Test("with more than one thread nothing is given up")
    func late() {
        // The test runner has many.
        #expect(throws: CaptureError.self) { try Capabilities.giveUpTheRest() }
        #expect(Capabilities.effective.missing == [])
    }
}

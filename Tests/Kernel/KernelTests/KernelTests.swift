// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CKernelTests
import Glibc
import Testing

/// Everything that meets the kernel: one test at a time, because all share its hooks.
///
/// As root on a machine that may load eBPF the tests must run: there a failure to load is a failure, not a reason to skip.
@Suite(.serialized, .enabled(if: canRun))
enum KernelTests {}

private let canRun: Bool = {
    if geteuid() != 0 {
        print("kernel tests skipped: not root")
        return false
    }
    if shell("command -v ip && command -v tc").status != 0 {
        print("kernel tests skipped: iproute2 is not installed")
        return false
    }
    // The smallest program. Lockdown, a seccomp filter or a missing capability say no here already.
    let number = test_can_load()
    if number != 0 {
        print("kernel tests skipped: this machine does not let root load eBPF (errno \(number))")
        return false
    }
    return true
}()

/// Runs a command; what it printed, both streams.
@discardableResult
func shell(_ command: String) -> (status: Int32, output: String) {
    var output = [CChar](repeating: 0, count: 65_536)
    let size = output.count
    // The C side writes at most `size` bytes and ends them with a zero.
    let status = unsafe test_shell("{ \(command)\n} 2>&1", &output, size)
    return (status, String(decoding: output.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
}

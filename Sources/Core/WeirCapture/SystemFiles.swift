// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import Glibc

/// A file descriptor, open for as long as this object lives.
final class Descriptor: Sendable {
    let number: Int32
    init(_ number: Int32) { self.number = number }
    deinit { close(number) }
}

/// How many descriptors devices may take: the rest is for who scrapes, for exporters and for a reload. Without it a host with more devices
/// than files could be attached to all it can, and answer nobody.
func descriptorsForDevices() -> Int32 {
    var limit = rlimit()
    // Fills `limit`, which outlives the call.
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
    return Int32(clamping: limit.rlim_cur - min(256, limit.rlim_cur / 2))
}

/// The text of a small file of the system (`/proc`, `/sys`); nil when it cannot be read.
func systemText(_ path: String) -> String? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    // `/proc` has no sizes: read until the end, or 4 MiB.
    while text.count < 4 << 20 {
        let size = chunk.count
        let count = unsafe read(file, &chunk, size)
        guard count > 0 else { return count == 0 ? String(decoding: text, as: UTF8.self) : nil }
        text += chunk.prefix(count)
    }
    return String(decoding: text, as: UTF8.self)
}

/// Whether something is at `path`.
func systemHas(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

/// The kernel's version, as far as features depend on it.
struct KernelVersion: Comparable, CustomStringConvertible {
    var major: Int
    var minor: Int

    static var running: KernelVersion {
        let parts = (systemText("/proc/sys/kernel/osrelease") ?? "0.0").split { !$0.isNumber }.prefix(2).map { Int($0) ?? 0 }
        return KernelVersion(major: parts.first ?? 0, minor: parts.dropFirst().first ?? 0)
    }

    static func < (a: Self, b: Self) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
    var description: String { "\(major).\(minor)" }
}

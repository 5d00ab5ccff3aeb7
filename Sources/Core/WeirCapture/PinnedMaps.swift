// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CWeirCapture
private import Glibc

/// The folder of `capture.pin`: sets of maps that outlive their process, a numbered folder each. One process holds it at a time.
///
/// Maps are pinned before any program writes to them, and a set is removed after all of it was drained: at any moment in
/// between the process may be killed, and the next one finds what was counted.
struct PinnedMaps: Sendable {
    let path: String
    /// A lock, which leaves with the process, however that ends. The kernel closes descriptors of a dead process one after another, and this one
    /// may go before links do, as after a reload that turned pins on: for that moment programs may still count into maps that the next one has found.
    /// It reads them in its first drain, by when it meets no program of the process before, but filters of clsact.
    private let held: Descriptor
    /// Sets of processes before that are not drained yet, oldest first.
    private(set) var left: [UInt32]
    /// Sets that something still writes to: left as they are, for the next process. All of them have lower numbers than the own one.
    private var kept: [UInt32] = []
    /// Sets removed unread, as there were too many.
    private var abandoned: UInt64 = 0
    /// The set of this process's own maps.
    private var own: UInt32?

    static func open(_ path: String) throws(CaptureError) -> PinnedMaps {
        // The text outlives the call.
        let folder = unsafe path.withCString { unsafe capture_pin_folder($0) }
        guard folder >= 0 else { throw openError(path, -folder) }
        let held = Descriptor(folder)
        var numbers = [UInt32](repeating: 0, count: 256)
        // The array has room for as many as the call is told.
        let count = unsafe path.withCString { unsafe capture_pin_sets($0, &numbers, UInt32(numbers.count)) }
        guard count >= 0 else { throw openError(path, -count) }
        var pins = PinnedMaps(path: path, held: held, left: numbers.prefix(Int(count)).sorted(), own: nil)
        while pins.left.count > mostLeft {
            pins.removeLeft(pins.left[0])
            pins.abandoned += 1
        }
        return pins
    }

    /// A process leaves one set, and two when it is killed in the middle of a reload. There are more only where processes are killed one after
    /// another before their first drain, as by a limit of memory that is too low: each set takes some of that too.
    private static let mostLeft = 4

    private static func openError(_ path: String, _ number: Int32) -> CaptureError {
        let action = "pin maps in \(path)"
        switch number {
        case EMEDIUMTYPE:
            return CaptureError(
                action, needed: "a folder in a BPF file system", found: "another file system",
                remedy: "mount one (mount -t bpf bpf /sys/fs/bpf) and take a folder in it, or set capture.pin: off")
        case EWOULDBLOCK:
            return CaptureError(
                action, needed: "a folder that no other process holds", found: "a living agent with the same capture.pin",
                remedy: "stop it, wait for its end, or give each agent a folder of its own")
        case EPERM:
            return CaptureError(
                action, needed: "a folder of root or of the agent's user that nobody else may write", found: "one that others own or may write",
                remedy: "remove it, or: chmod 0700 \(path)")
        default:
            return CaptureError(
                action, needed: "leave to make and write this folder", found: errorText(number),
                remedy: "allow it in the service's sandbox (ReadWritePaths, a volume), or set capture.pin: off")
        }
    }

    /// The same folder for the maps of another plan, or another one; nil for none.
    static func follow(_ before: PinnedMaps?, _ path: String?) throws(CaptureError) -> PinnedMaps? {
        guard let path else { return nil }
        guard let before, before.path == path else { return try open(path) }
        return PinnedMaps(path: path, held: before.held, left: [], kept: before.kept, own: before.own)
    }

    /// Before any program of `object` runs.
    mutating func pin(_ object: borrowing FlowObject) throws(CaptureError) {
        let number = max(own ?? 0, left.last ?? 0, kept.last ?? 0) + 1
        let result = object.pin(in: path, as: number)
        guard result >= 0 else { throw Self.openError(path, -result) }
        own = number
    }

    /// The own maps are drained for good, or were never written to.
    mutating func removeOwn() {
        if let own { remove(own) }
        own = nil
    }

    /// A set of a process before is drained, or nobody can read it.
    /// Returns 0, or the errno of a set that stays: the next process finds it.
    @discardableResult
    mutating func removeLeft(_ number: UInt32) -> Int32 {
        left.removeAll { $0 == number }
        return remove(number)
    }

    /// Whether a drain has something to read, or to say, of processes before.
    var hasNews: Bool { !left.isEmpty || abandoned > 0 }

    /// How many sets were removed unread since this was asked last.
    mutating func takeAbandoned() -> UInt64 {
        defer { abandoned = 0 }
        return abandoned
    }

    /// Does not read what processes before have left, nor remove it.
    mutating func keepLeft() { (kept, left) = (kept + left, []) }

    /// Whether devices' programs wrote to one of the sets that are left.
    var hasLeftDevices: Bool {
        left.contains { set in
            var record = capture_layout()
            // Text and record outlive the call.
            return unsafe path.withCString { unsafe capture_pinned_layout($0, set, &record) } == 0 && !PinLayout(record).isSockets
        }
    }

    @discardableResult
    private func remove(_ number: UInt32) -> Int32 {
        // The text outlives the call.
        unsafe -path.withCString { unsafe capture_pins_remove($0, number) }
    }
}

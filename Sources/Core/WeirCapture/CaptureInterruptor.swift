// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import CWeirCapture
private import Glibc

/// Ends a `wait` from another thread: a signal came, a reload is due.
///
/// It is made apart from the capture and outlives it: a reload may put another capture in its place, and whoever rings
/// must not have to know.
public final class CaptureInterruptor: Sendable {
    let descriptor: Int32

    public init() throws(CaptureError) {
        descriptor = capture_bell()
        guard descriptor >= 0 else {
            throw CaptureError(
                "make an eventfd", needed: "one more file descriptor", found: errorText(-descriptor), remedy: "raise the limit of open files")
        }
    }

    deinit { close(descriptor) }

    /// Makes the present or the next `wait` return `.interrupted`. Safe from any thread.
    public func interrupt() { capture_bell_ring(descriptor) }

    func quiet() { capture_bell_quiet(descriptor) }
}

/// Why a wait ended.
public enum Wake: Sendable, Equatable {
    /// The deadline passed.
    case windowEnd
    /// The kernel's map is filling up: drain now.
    case earlyDrain
    /// Somebody called `interrupt()`.
    case interrupted
}

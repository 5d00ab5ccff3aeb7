// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
// glibc's `timespec` belongs to this module of the standard library, wherever it is first seen.
internal import SwiftOverlayShims

/// The signals the agent answers. They are blocked everywhere and taken by the main thread alone, so that no
/// handler interrupts Swift code.
enum Signals {
    enum Kind: Sendable, Equatable { case stop, reload }

    /// Called on the main thread before any other thread exists: threads inherit what is blocked.
    static func block() {
        var set = waited
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// A reader that hangs up, of `/metrics` or of standard output, must not end the program: writing fails instead.
    static func ignoreClosedPipes() { signal(SIGPIPE, SIG_IGN) }

    /// Waits for the next signal; nil when `limit` passed first.
    static func next(within limit: Duration? = nil) -> Kind? {
        var set = waited
        while true {
            var time = timespec()
            if let limit {
                time.tv_sec = Int(limit.components.seconds)
                time.tv_nsec = Int(limit.components.attoseconds / 1_000_000_000)
            }
            // All three live on this stack frame until the call returns.
            let number = unsafe limit == nil ? sigwaitinfo(&set, nil) : unsafe sigtimedwait(&set, nil, &time)
            switch number {
            case SIGHUP: return .reload
            case SIGTERM, SIGINT: return .stop
            default: if number < 0, errno == EAGAIN { return nil }
            }
        }
    }

    /// Asks this process to stop as a user would, so that there is one way of leaving.
    static func stopSelf() { kill(getpid(), SIGTERM) }

    private static var waited: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&set, number) }
        return set
    }
}

/// Leaves at once, without the C library's exit handlers: other threads are still running.
func leave(_ status: ExitStatus) -> Never { _exit(status.rawValue) }

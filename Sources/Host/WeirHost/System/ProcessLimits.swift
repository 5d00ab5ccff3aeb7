// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore

/// What the agent takes of the system, beside memory: files that it may open, threads that it starts.
enum ProcessLimits {
    /// Opens as many files as the system lets it. tcx holds two per device, and the usual soft limit of 1024 (kept that low for
    /// programs that use `select`) would leave a node of five hundred containers without a word about the rest.
    static func raiseOpenFiles() {
        var limit = rlimit()
        // Both calls only read or write `limit`, which outlives them. What cannot be raised stays, and shows when a device is not attached.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Two event loops serve the listener; by itself NIO starts one for each CPU, and ends the process where it may not have so many threads.
    /// To be called before the first listener.
    static func boundThreads() { NIOSingletons.groupLoopCountSuggestion = 2 }
}

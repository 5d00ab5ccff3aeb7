// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A thread of one's own, for work that waits on the kernel and must not hold up Swift's shared threads.
enum DedicatedThread {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs `body` on a new, detached thread. The name has at most 15 bytes: the kernel keeps no more.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        // Retained here and released by the new thread: it lives exactly until the thread has taken it.
        let start = unsafe Unmanaged.passRetained(Start(name, body)).toOpaque()
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                // glibc hides `pthread_setname_np` from Swift; a thread may name itself here. Without a name it works too.
                try? SystemFile.write(Array(start.name.utf8), to: "/proc/thread-self/comm")
                start.body()
                return nil
            }, start)
        precondition(code == 0, "no thread could be made: \(SystemError(code: code))")
        pthread_detach(thread)
    }
}

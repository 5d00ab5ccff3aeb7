// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A thread that may block.
enum ServerThread {
    private final class Start {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    static func start(_ body: @escaping @Sendable () -> Void) {
        // Retained here and released by the new thread: it lives exactly until the thread has taken it.
        let start = unsafe Unmanaged.passRetained(Start(body)).toOpaque()
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, start)
        precondition(code == 0, "no thread could be made: error \(code)")
        pthread_detach(thread)
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import Dispatch
internal import Synchronization

/// Runs `body` in a task and blocks this thread until its end.
///
/// The program itself is not asynchronous: valgrind 3.19 does not survive a main thread that libdispatch has put away.
func waiting(_ body: @escaping @Sendable () async throws -> Void) throws {
    let failure = Shared<(any Error)?>(nil)
    let done = DispatchSemaphore(value: 0)
    Task.detached {
        do { try await body() } catch { failure.state.withLock { $0 = error } }
        done.signal()
    }
    done.wait()
    if let failure = failure.state.withLock({ $0 }) { throw failure }
}

/// What a task and this thread both touch.
final class Shared<State: Sendable>: Sendable {
    let state: Mutex<State>
    init(_ state: State) { self.state = Mutex(state) }
}

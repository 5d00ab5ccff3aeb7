// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

private import Glibc

/// Processor time: what others on the machine take does not count.
enum CPUTime {
    /// Seconds of this thread that `body` took.
    static func spent(_ body: () throws -> Void) rethrows -> Double {
        let start = now(CLOCK_THREAD_CPUTIME_ID)
        try body()
        return now(CLOCK_THREAD_CPUTIME_ID) - start
    }

    /// The same for all threads of this program, for work that a task does.
    static func spentByAll(_ body: () throws -> Void) rethrows -> Double {
        let start = now(CLOCK_PROCESS_CPUTIME_ID)
        try body()
        return now(CLOCK_PROCESS_CPUTIME_ID) - start
    }

    private static func now(_ clock: clockid_t) -> Double {
        var time = timespec()
        // The pointer is used for the call only.
        unsafe clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// What the shell is told.
enum ExitStatus: Int32, Sendable {
    case fine = 0
    /// The user's mistake: the configuration, the command line.
    case user = 1
    /// The machine's: no eBPF, no permission, a port that is taken.
    case machine = 2
    /// Ours.
    case weir = 3
    /// A second Ctrl-C: 128 + SIGINT, as shells expect it.
    case interrupted = 130
}

/// Ends a command with a sentence for people on standard error.
struct CommandFailure: Error {
    let status: ExitStatus
    /// Whole lines; printed as they are.
    let message: String
}

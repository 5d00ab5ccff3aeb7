// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The agent's socket as `weir tap` sees it.
final class TapClient: Sendable {
    let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { UnixSocket.close(descriptor) }

    static func connect(to path: String) throws(CommandFailure) -> TapClient {
        do throws(SystemError) { return TapClient(try UnixSocket.connect(to: path)) } catch {
            throw CommandFailure(status: .machine, message: "weir tap: \(sentence(error, path))\n")
        }
    }

    private static func sentence(_ error: SystemError, _ path: String) -> String {
        switch error.code {
        case ENOENT: "no agent has its socket at '\(path)'; is one running, and what does its 'tap' say?"
        case ECONNREFUSED: "no agent listens at '\(path)' any more"
        case EACCES, EPERM: "you may not use '\(path)': it is for root and for the group weir; try sudo, or become a member of the group"
        case EAGAIN: "the agent at '\(path)' has more clients waiting than it takes; try again"
        default: "could not connect to '\(path)': \(error)"
        }
    }

    /// Sends the request. An agent that has hung up already has said why: that is read next.
    func ask(_ request: TapRequest) {
        let line = request.line
        var sent = 0
        while sent < line.count {
            guard let count = try? UnixSocket.write(line, from: sent, to: descriptor) else { return }
            sent += count
            if count == 0 { wait(milliseconds: 100, writes: true) }
        }
    }

    /// The next bytes; nil when none came for a moment; none at the end.
    func read() -> [UInt8]? {
        wait(milliseconds: 100, writes: false)
        do throws(SystemError) {
            return try UnixSocket.read(descriptor, upTo: 256 << 10)
        } catch {
            // The agent closed while something of ours was unread, or died.
            return []
        }
    }

    private func wait(milliseconds: Int32, writes: Bool) {
        var watches = [UnixSocket.Watch(descriptor, reads: !writes, writes: writes)]
        UnixSocket.wait(for: &watches, milliseconds: milliseconds)
    }
}

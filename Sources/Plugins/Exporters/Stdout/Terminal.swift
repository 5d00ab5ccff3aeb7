// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Standard output as the system shows it: all of the plugin's unsafe code, and the seam where tests read along.
package struct Terminal: Sendable {
    package enum WriteResult: Sendable {
        case wrote(Int)
        /// The reader must take something first.
        case wait
        case refused(reason: String, text: String)
    }

    package var isTerminal: @Sendable () -> Bool
    /// Neither `NO_COLOR` (https://no-color.org) nor a terminal that knows no colours.
    package var allowsColors: @Sendable () -> Bool
    /// In cells; nil when standard output is no terminal.
    package var lineWidth: @Sendable () -> Int?
    package var write: @Sendable (_ bytes: [UInt8], _ from: Int) -> WriteResult

    package init(
        isTerminal: @escaping @Sendable () -> Bool, allowsColors: @escaping @Sendable () -> Bool,
        lineWidth: @escaping @Sendable () -> Int?, write: @escaping @Sendable (_ bytes: [UInt8], _ from: Int) -> WriteResult
    ) {
        self.isTerminal = isTerminal
        self.allowsColors = allowsColors
        self.lineWidth = lineWidth
        self.write = write
    }

    package static let standardOutput = Terminal(
        isTerminal: { isatty(STDOUT_FILENO) == 1 },
        allowsColors: { (variable("NO_COLOR") ?? "").isEmpty && variable("TERM") != "dumb" },
        lineWidth: {
            var size = winsize()
            // `size` lives on this stack for the length of the call; so does `asked` below.
            guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
            return Int(size.ws_col)
        },
        write: { bytes, from in
            var asked = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
            guard unsafe poll(&asked, 1, 0) > 0 else { return .wait }
            // poll(2) promises room for PIPE_BUF bytes: so much goes into a pipe without holding this thread.
            let count = min(bytes.count - from, Int(PIPE_BUF))
            // The array is not touched during the call, and `from + count` is within it.
            let result = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress! + from, count) }
            if result >= 0 { return .wrote(result) }
            let code = errno
            if code == EINTR || code == EAGAIN { return .wait }
            let reason = code == EPIPE ? "closed" : code == ENOSPC ? "disk_full" : "io"
            // glibc keeps the text for as long as this thread asks for no other.
            return .refused(reason: reason, text: unsafe String(cString: strerror(code)))
        }
    )

    /// Read before anything could change the environment; nothing in this program does.
    private static func variable(_ name: String) -> String? {
        guard let text = unsafe getenv(name) else { return nil }
        return unsafe String(cString: text)
    }
}

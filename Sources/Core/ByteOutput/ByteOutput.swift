// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Bytes into an open descriptor, be it a file, a pipe or a terminal, without a thread that waits for a slow reader.
public enum ByteOutput {
    /// Writes what it can of `bytes` from an index on; 0 when the reader must take something first.
    ///
    /// A regular file takes all at once. Anything else may be shared with other processes, so that it cannot be made
    /// non-blocking; poll(2) promises room for `PIPE_BUF` bytes, and so much is written per call.
    public static func write(_ bytes: [UInt8], from start: Int, to descriptor: Int32, isRegular: Bool) throws(OutputError) -> Int {
        var count = bytes.count - start
        if !isRegular {
            guard isWritable(descriptor, milliseconds: 0) else { return 0 }
            count = min(count, Int(PIPE_BUF))
        }
        let written = again {
            // The array is not touched during the call, and `start + count` is within it.
            unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress! + start, count) }
        }
        if written < 0, errno == EAGAIN { return 0 }
        guard written >= 0 else { throw .last() }
        return written
    }

    /// Whether a write would go on at once, now or within the time. An error counts: write(2) then says which.
    public static func isWritable(_ descriptor: Int32, milliseconds: Int32) -> Bool {
        var asked = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // `asked` lives on this stack for the length of the call.
        return again { unsafe poll(&asked, 1, milliseconds) } > 0
    }

    /// Makes a system call until no signal interrupts it.
    private static func again<Result: BinaryInteger>(_ call: () -> Result) -> Result {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }
}

/// Why the system refused; finishes "could not …".
public struct OutputError: Error, CustomStringConvertible {
    private let code: Int32
    private let text: String

    /// `code` is an `errno`.
    public init(code: Int32) {
        self.code = code
        // glibc keeps the text for as long as this thread asks for no other; it is copied at once.
        text = unsafe String(cString: strerror(code))
    }

    /// What this thread's last system call said.
    public static func last() -> OutputError { OutputError(code: errno) }

    /// `closed`, `disk_full`, … or `io`: the word under which an exporter's losses and failures are counted.
    public var reason: String {
        switch code {
        case EPIPE: "closed"
        case ENOSPC, EDQUOT: "disk_full"
        case EROFS: "read_only"
        case EACCES, EPERM: "denied"
        case ENOENT, ENOTDIR: "missing"
        case ENXIO: "no_reader"
        default: "io"
        }
    }

    public var description: String { "\(text) (errno \(code))" }
}

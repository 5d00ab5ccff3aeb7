// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import ByteOutput
internal import Glibc

/// Standard output as the system shows it: the plugin's own unsafe code, and the seam where tests read along.
package struct Terminal: Sendable {
    package var isTerminal: @Sendable () -> Bool
    /// Neither `NO_COLOR` (https://no-color.org) nor a terminal that knows no colours.
    package var allowsColors: @Sendable () -> Bool
    /// In cells; nil when standard output is no terminal.
    package var lineWidth: @Sendable () -> Int?
    /// Writes what it can of `bytes` from an index on; 0 when the reader must take something first.
    package var write: @Sendable (_ bytes: [UInt8], _ from: Int) -> Result<Int, OutputError>

    package init(
        isTerminal: @escaping @Sendable () -> Bool, allowsColors: @escaping @Sendable () -> Bool,
        lineWidth: @escaping @Sendable () -> Int?, write: @escaping @Sendable (_ bytes: [UInt8], _ from: Int) -> Result<Int, OutputError>
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
            // `size` lives on this stack for the length of the call.
            guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
            return Int(size.ws_col)
        },
        // Never as a regular file, even where it is one: a table is small.
        write: { bytes, from in
            Result { () throws(OutputError) in try ByteOutput.write(bytes, from: from, to: STDOUT_FILENO, isRegular: false) }
        }
    )

    /// Read before anything could change the environment; nothing in this program does.
    private static func variable(_ name: String) -> String? {
        guard let text = unsafe getenv(name) else { return nil }
        return unsafe String(cString: text)
    }
}

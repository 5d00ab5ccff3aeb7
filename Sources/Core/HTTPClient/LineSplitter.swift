// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Cuts a body into lines, however it comes in pieces. Linear in the bytes: none is searched twice.
package struct LineSplitter: Sendable {
    package enum Step: Equatable, Sendable {
        case line([UInt8])
        /// Feed it.
        case more
        case tooLong
    }

    private var bytes: [UInt8] = []
    /// Where the next line begins, and up to where it is known to have no end.
    private var start = 0
    private var searched = 0

    package init() {}

    package mutating func feed(_ chunk: [UInt8]) {
        if start == bytes.count {
            bytes = chunk
            searched = 0
        } else {
            bytes.removeFirst(start)
            bytes += chunk
            searched -= start
        }
        start = 0
    }

    package mutating func next(maxBytes: Int) -> Step {
        guard let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
            searched = bytes.count
            return bytes.count - start > maxBytes ? .tooLong : .more
        }
        guard end - start <= maxBytes else { return .tooLong }
        defer {
            start = end + 1
            searched = start
        }
        return .line(Array(bytes[start..<end]))
    }

    /// What is left after the last line; nil when that is nothing.
    package mutating func takeRest() -> [UInt8]? {
        defer { self = LineSplitter() }
        return start < bytes.count ? Array(bytes[start...]) : nil
    }
}

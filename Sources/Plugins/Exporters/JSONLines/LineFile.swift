// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import ByteOutput

/// An open file and what is known of its end.
package struct LineFile: Sendable {
    package let descriptor: Int32
    /// Writing to a file on a disk never waits for a reader.
    package let isRegular: Bool
    package let identity: FileIdentity?
    /// The path is a symbolic link to it.
    package var isLink = false
    /// Of a regular file: as we last saw or left it.
    package var size = 0
    /// The last byte in the file is not a newline.
    package var isTorn = false
    /// The time of its first line, in nanoseconds since 1970, where that is known.
    package var began: UInt64?

    package init(descriptor: Int32, isRegular: Bool, identity: FileIdentity?) {
        self.descriptor = descriptor
        self.isRegular = isRegular
        self.identity = identity
    }

    mutating func wrote(_ count: Int, last byte: UInt8) {
        size += count
        isTorn = byte != UInt8(ascii: "\n")
    }
}

/// Which file a path leads to.
package struct FileIdentity: Sendable, Equatable {
    let device: UInt64
    let number: UInt64
}

/// Why lines could not be written.
package enum FileError: Error, CustomStringConvertible {
    case refused(OutputError)
    /// The path leads to something that cannot be rotated.
    case notAFile
    case cancelled

    /// EAGAIN.
    static let pipeIsFull = FileError.refused(OutputError(code: 11))

    /// The `reason` under which failures and losses are counted.
    var reason: String {
        switch self {
        case .refused(let error): error.reason
        case .notAFile: "not_a_file"
        case .cancelled: "cancelled"
        }
    }

    package var description: String {
        switch self {
        case .refused(let error): error.description
        case .notAFile:
            "it is no plain file but a link, a pipe or a device, which cannot be rotated: write the path that it leads to, or leave 'rotate' out"
        case .cancelled: "the agent is leaving and the reader is too slow"
        }
    }
}

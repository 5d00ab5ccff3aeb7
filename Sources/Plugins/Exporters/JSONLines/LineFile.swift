// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import ByteOutput

/// An open file and what is known of its end.
package struct LineFile: Sendable {
    package let descriptor: Int32
    /// Writing to a file on a disk never waits for a reader.
    package let isRegular: Bool
    /// A file that we opened for appending. Standard output may be a file too, but its offset would stay behind the cut.
    package let canBeCut: Bool
    package let identity: FileIdentity?
    /// The last byte in the file is not a newline.
    package private(set) var isTorn: Bool
    private var tornBefore = false
    private var sizeBefore = 0
    private var written = 0

    package init(descriptor: Int32, isRegular: Bool, canBeCut: Bool, identity: FileIdentity?, isTorn: Bool) {
        self.descriptor = descriptor
        self.isRegular = isRegular
        self.canBeCut = canBeCut
        self.identity = identity
        self.isTorn = isTorn
    }

    /// What a batch starts with: a newline when the last line is torn, else nothing.
    mutating func beginBatch(_ calls: FileCalls) -> [UInt8] {
        sizeBefore = canBeCut ? calls.size(descriptor) ?? 0 : 0
        tornBefore = isTorn
        written = 0
        return isTorn ? [UInt8(ascii: "\n")] : []
    }

    mutating func wrote(_ count: Int, last byte: UInt8) {
        written += count
        isTorn = byte != UInt8(ascii: "\n")
    }

    /// This batch left an unfinished line.
    var tore: Bool { isTorn && written > 0 }

    /// Cuts the file to where the batch began; false where that is impossible. A file of another length than ours has
    /// another writer, or was truncated by `copytruncate`: cutting it would take what is not ours.
    mutating func undo(_ calls: FileCalls) -> Bool {
        guard canBeCut, calls.size(descriptor) == sizeBefore + written, calls.truncate(descriptor, sizeBefore) else { return false }
        isTorn = tornBefore
        written = 0
        return true
    }
}

/// Which file a path leads to.
package struct FileIdentity: Sendable, Equatable {
    let device: UInt64
    let number: UInt64
}

/// Why a batch was not written.
package enum FileError: Error, CustomStringConvertible {
    case refused(OutputError)
    case cancelled

    /// The `reason` under which the host counts the batch.
    var reason: String {
        switch self {
        case .refused(let error): error.reason
        case .cancelled: "cancelled"
        }
    }

    package var description: String {
        switch self {
        case .refused(let error): error.description
        case .cancelled: "the agent is leaving and the reader is too slow"
        }
    }
}

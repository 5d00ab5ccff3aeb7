// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CZlib

/// The gzip format over bytes in memory.
package enum Gzip {
    package enum Failure: Error, Equatable {
        /// No gzip member, a damaged one, or one with something behind it.
        case damaged
        /// What is packed has more bytes than were allowed.
        case tooLarge
        case noMemory
    }

    /// Packs up to 4 GiB less the format's own bytes; zlib needs 256 KiB while it works. `level` is 1 (fast) to 9 (small).
    package static func packed(_ bytes: [UInt8], level: Int32 = 6) throws(Failure) -> [UInt8] {
        try unsafe filled(CZlib_bound(bytes.count)) { to, room, written in
            // `bytes` lives through the call, and zlib keeps no pointer.
            unsafe bytes.withUnsafeBufferPointer { from in unsafe CZlib_pack(from.baseAddress, from.count, to, room, level, &written) }
        }
    }

    /// Unpacks one member of at most `maxBytes`, which is the memory it takes meanwhile.
    package static func unpacked(_ bytes: [UInt8], maxBytes: Int) throws(Failure) -> [UInt8] {
        // zlib wants room even for nothing.
        let all = try unsafe filled(max(1, maxBytes)) { to, room, written in
            // As above.
            unsafe bytes.withUnsafeBufferPointer { from in unsafe CZlib_unpack(from.baseAddress, from.count, to, room, &written) }
        }
        guard all.count <= maxBytes else { throw .tooLarge }
        return all
    }

    private static func filled(
        _ room: Int, _ fill: (_ to: UnsafeMutablePointer<UInt8>?, _ room: Int, _ written: inout Int) -> CZlib_Result
    ) throws(Failure) -> [UInt8] {
        var result = CZlib_bad
        // The array's own memory, of which `fill` says how much it wrote.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            result = unsafe fill(buffer.baseAddress, buffer.count, &count)
        }
        switch result {
        case CZlib_done: return bytes
        case CZlib_full: throw .tooLarge
        case CZlib_no_memory: throw .noMemory
        default: throw .damaged
        }
    }
}

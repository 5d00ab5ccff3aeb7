// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import SwiftProtobuf

/// Protobuf's wire format around messages that the library encoded: a tag (field number × 8 + wire type), a length, the bytes.
struct MessageBytes {
    private(set) var bytes: [UInt8] = []

    mutating func append(field: Int, message: [UInt8]) {
        append(varint: UInt64(field << 3 | 2))
        append(varint: UInt64(message.count))
        bytes += message
    }

    /// An empty text is as if it was not there, as everywhere in proto3.
    mutating func append(field: Int, text: String) {
        if !text.isEmpty { append(field: field, message: Array(text.utf8)) }
    }

    mutating func append(field: Int, number: UInt64) {
        append(varint: UInt64(field << 3))
        append(varint: number)
    }

    /// Fields that were encoded with their tags.
    mutating func append(_ fields: [UInt8]) { bytes += fields }

    private mutating func append(varint number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

extension SwiftProtobuf.Message {
    /// Messages of ours have no required fields, which is all that encoding can fail for below 2 GiB.
    var encoded: [UInt8] {
        do { return try serializedBytes() } catch { preconditionFailure("a message without required fields could not be encoded: \(error)") }
    }
}

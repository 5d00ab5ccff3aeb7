// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Netlink
internal import WeirKit

extension FuzzTarget {
    /// What connection tracking answers: what comes behind a message does not change it, and a connection written anew, plainly, is read
    /// as the same.
    static let conntrack = FuzzTarget(
        "conntrack",
        words: [
            "\u{14}\0\0\0\0\u{1}\0\0", "\u{24}\0\0\0\u{2}\0\0\0", "\u{34}\0\u{1}\0", "\u{34}\0\u{2}\0", "\u{14}\0\u{1}\0", "\u{1c}\0\u{2}\0",
            "\u{8}\0\u{1}\0\n\0\0\u{4}", "\u{8}\0\u{2}\0\n\0\0\u{17}", "\u{5}\0\u{1}\0\u{11}\0\0\0", "\u{6}\0\u{3}\0\0\u{50}\0\0",
        ],
        maxBytes: 1024
    ) { (bytes) throws(BrokenLaw) in
        let found = messages(bytes)
        try require(found.count <= bytes.count / 16, "\(found.count) messages in \(bytes.count) bytes")
        let more = messages(bytes + [0xff, 0, 0, 0, 1])
        try require(more.starts(with: found), "bytes behind the end change \(found) to \(more)")
        for message in found {
            guard case .connection(let connection) = message.content else { continue }
            let again = messages(plainMessage(connection, sequence: message.sequence))
            try require(again == [message], "\(message) is read back as \(again)")
            try require(connection.isTranslated == (connection.reply.inverse != connection.original), "translated in one direction alone")
        }
    }

    private static func messages(_ bytes: [UInt8]) -> [ConntrackMessage] {
        var found: [ConntrackMessage] = []
        ConntrackMessage.read(bytes.span) { found.append($0) }
        return found
    }

    /// The two tuples, every address with sixteen bytes.
    private static func plainMessage(_ connection: TrackedConnection, sequence: UInt32) -> [UInt8] {
        func pair(_ number: Int) -> [UInt8] { [UInt8(number & 255), UInt8(number >> 8)] }
        func attribute(_ type: Int, _ payload: [UInt8]) -> [UInt8] {
            pair(4 + payload.count) + pair(type) + payload + [UInt8](repeating: 0, count: (4 - payload.count % 4) % 4)
        }
        func big(_ number: UInt64, _ width: Int) -> [UInt8] { (0..<width).reversed().map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) } }
        func tuple(_ type: Int, _ tuple: ConnectionTuple) -> [UInt8] {
            let addresses = [(3, tuple.source), (4, tuple.destination)].flatMap { attribute($0.0, big($0.1.high, 8) + big($0.1.low, 8)) }
            let ports =
                attribute(1, [tuple.transport]) + attribute(2, big(UInt64(tuple.sourcePort), 2))
                + attribute(3, big(UInt64(tuple.destinationPort), 2))
            return attribute(type, attribute(1, addresses) + attribute(2, ports))
        }
        let state = attribute(4, attribute(1, attribute(4, [8, 0]) + attribute(5, [8, 0])))
        let body = [0, 0, 0, 0] + tuple(1, connection.original) + tuple(2, connection.reply) + (connection.isPickedUp ? state : [])
        let number = (0..<4).map { UInt8(truncatingIfNeeded: sequence >> UInt32(8 * $0)) }
        return pair(16 + body.count) + [0, 0] + pair(0x100) + [0, 0] + number + [0, 0, 0, 0] + body
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibMNL
private import Glibc

/// A netlink socket of the network namespace of the thread that made it, for questions. Never waits: the kernel answers while it
/// is asked.
struct QuestionSocket: ~Copyable, Sendable {
    private let socket: Int32
    /// Room for some messages, each in a slot of its own.
    private var buffer = [UInt8](repeating: 0, count: slots * slot)
    private var lengths = [UInt32](repeating: 0, count: slots)

    private static let slots = 32
    /// An answer has some hundred bytes; the kernel fills one message of a list up to a page, and to what a reader has room for.
    private static let slot = 8192

    init(_ protocol: ask_protocol) throws(NetlinkError) {
        socket = ask_open(`protocol`)
        guard socket >= 0 else { throw NetlinkError(number: -socket) }
    }

    deinit { ask_close(socket) }

    /// Sends the questions and shows the bytes of every message that is there then; an `errno`, or 0. A list comes piece by piece:
    /// reading one makes the kernel write the next.
    mutating func exchange(_ questions: [UInt8], _ body: (Span<UInt8>) -> Void) -> Int32 {
        let length = questions.count
        // The bytes stay where they are for the call; the kernel copies them.
        let sent = unsafe questions.withUnsafeBufferPointer { unsafe ask_send(socket, $0.baseAddress, length) }
        guard sent >= 0 else { return -sent }
        var lost: Int32 = 0
        while true {
            // The kernel writes into both arrays during the call and keeps neither.
            let received = unsafe ask_receive(socket, &buffer, UInt32(Self.slot), &lengths, UInt32(Self.slots))
            // Some answers found no room; those that did are behind this word.
            if received == -ENOBUFS, lost == 0 {
                lost = ENOBUFS
                continue
            }
            guard received > 0 else { return received == 0 ? lost : -received }
            for index in 0..<Int(received) {
                let start = index * Self.slot
                body(buffer.span.extracting(start..<start + min(Int(lengths[index]), Self.slot)))
            }
        }
    }
}

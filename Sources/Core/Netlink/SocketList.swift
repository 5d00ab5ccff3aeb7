// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CLibMNL
private import Glibc

/// Asks for the sockets that wait for others in the network namespace of the thread that made it, from whichever thread. Any user may.
public struct SocketList: ~Copyable, Sendable {
    private var socket: QuestionSocket
    private var sequence: UInt32 = 0

    /// TCP, UDP, DCCP, SCTP, UDP-Lite.
    private static let transports: [UInt8] = [6, 17, 33, 132, 136]

    public init() throws(NetlinkError) { socket = try QuestionSocket(ASK_SOCK_DIAG) }

    /// Shows each of them. Throws when the kernel would not list those of TCP or UDP, which it always has; others it may not know.
    public mutating func read(_ body: (ListeningSocket) -> Void) throws(NetlinkError) {
        for transport in Self.transports {
            for family in 0..<2 {
                let error = read(family, transport, body)
                if error != 0, transport == 6 || transport == 17, !(error == ENOENT && family == 1) { throw NetlinkError(number: error) }
            }
        }
    }

    private mutating func read(_ family: Int, _ transport: UInt8, _ body: (ListeningSocket) -> Void) -> Int32 {
        sequence &+= 1
        let asked = sequence
        var failure: Int32 = 0
        let error = socket.exchange(SocketMessage.question(family: family, transport: transport, sequence: asked)) { bytes in
            SocketMessage.read(bytes, transport: transport, sequence: asked) { message in
                switch message {
                case .listening(let socket): body(socket)
                case .error(let number) where number != 0: failure = number
                default: break
                }
            }
        }
        return error == 0 ? failure : error
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Netlink
import Testing
import WeirKit
import WeirTesting

@Suite
struct SocketMessageTests {
    /// A socket as Linux lists it, to question 7.
    static func socket(
        family: UInt8 = 2, state: UInt8 = 10, port: UInt16 = 25_000, peerPort: UInt16 = 0, address: [UInt8] = [10, 0, 0, 1], sequence: UInt8 = 7
    ) -> [UInt8] {
        // nlmsghdr: length, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, sequence, port id
        var bytes: [UInt8] = [88, 0, 0, 0, 20, 0, 2, 0, sequence, 0, 0, 0, 0x95, 0x2b, 0, 0]
        // inet_diag_msg: family, state, timer, retransmissions, ports
        bytes += [family, state, 0, 0, UInt8(port >> 8), UInt8(port & 255), UInt8(peerPort >> 8), UInt8(peerPort & 255)]
        // own address, peer, interface, cookie
        bytes += address + [UInt8](repeating: 0, count: 16 - address.count + 16 + 4)
        bytes += [1, 2, 3, 4, 5, 6, 7, 8]
        // expires, queues, user, inode
        bytes += [UInt8](repeating: 0, count: 20)
        return bytes
    }

    static func read(_ bytes: [UInt8], transport: UInt8 = 6) -> [SocketMessage] {
        var found: [SocketMessage] = []
        SocketMessage.read(bytes.span, transport: transport, sequence: 7) { found.append($0) }
        return found
    }

    @Test("a listening socket is read as the kernel wrote it, in both families")
    func listening() {
        let address4 = IPAddress("10.0.0.1")!
        #expect(Self.read(Self.socket()) == [.listening(ListeningSocket(address4, 25_000, transport: 6))])
        let address6: [UInt8] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
        let expected = ListeningSocket(IPAddress("fd00::2")!, 443, transport: 6)
        #expect(Self.read(Self.socket(family: 10, port: 443, address: address6)) == [.listening(expected)])
        let any = Self.read(Self.socket(address: [0, 0, 0, 0]) + Self.socket(family: 10, address: [UInt8](repeating: 0, count: 16)))
        #expect(any == [ListeningSocket.anyIPv4, ListeningSocket.any].map { .listening(ListeningSocket($0, 25_000, transport: 6)) })
        for case .listening(let socket) in any { #expect(socket.isWildcard) }
    }

    @Test("of UDP the sockets wait that have no peer, of TCP those that listen")
    func states() {
        let address = IPAddress("10.0.0.1")!
        #expect(Self.read(Self.socket(state: 7), transport: 17) == [.listening(ListeningSocket(address, 25_000, transport: 17))])
        #expect(Self.read(Self.socket(state: 1, peerPort: 53), transport: 17) == [.otherSocket])
        #expect(Self.read(Self.socket(state: 7), transport: 6) == [.otherSocket])
        #expect(Self.read(Self.socket(state: 1, peerPort: 80), transport: 6) == [.otherSocket])
        #expect(Self.read(Self.socket(port: 0)) == [.otherSocket])
        #expect(Self.read(Self.socket(family: 1)) == [.other])
    }

    @Test("answers to other questions, and what is cut anywhere, are none")
    func others() {
        #expect(Self.read(Self.socket(sequence: 6)).isEmpty)
        for length in 0..<88 { #expect(Self.read(Array(Self.socket().prefix(length))).isEmpty, "\(length) bytes") }
        // NLMSG_DONE, and NLMSG_ERROR with -ENOENT.
        #expect(Self.read([20, 0, 0, 0, 3, 0, 2, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == [.done])
        #expect(Self.read([20, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff]) == [.error(2)])
    }
}

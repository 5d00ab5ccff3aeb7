// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// What the kernel's list of sockets says (`NETLINK_SOCK_DIAG`), read from bytes. Nothing in here meets the kernel.
///
/// ```
///  0      4      6       8          12        16       17      18         20            24       40          56            64 … 88
///  | length | type | flags | sequence | port id | family | state | timer, … | from, to port | address | peer | interface, cookie | …
///  |<------------ nlmsghdr ------------------>|<------------------------- inet_diag_msg ------------------------------------->|
/// ```
/// Ports and addresses are big-endian; the rest is the machine's.
public enum SocketMessage: Sendable, Equatable {
    case listening(ListeningSocket)
    /// A socket that waits for nobody, or for one peer alone.
    case otherSocket
    /// An `errno`; 2, ENOENT, for a transport that the kernel does not have.
    case error(Int32)
    /// The end of a list.
    case done
    /// Nothing that anybody asked for.
    case other

    /// Every whole message in `bytes`, in order, that answers the question `sequence` for sockets of `transport`.
    public static func read(_ bytes: Span<UInt8>, transport: UInt8, sequence: UInt32, _ body: (SocketMessage) -> Void) {
        var start = 0
        while bytes.count - start >= Layout.header {
            let length = Int(clamping: bytes.number32(start))
            guard length >= Layout.header, length <= bytes.count - start else { return }
            if bytes.number32(start + 8) == sequence, let message = read(bytes, start..<start + length, transport) { body(message) }
            start += (length + 3) & ~3
        }
    }

    private static func read(_ bytes: Span<UInt8>, _ message: Range<Int>, _ transport: UInt8) -> SocketMessage? {
        let body = message.lowerBound + Layout.header
        switch bytes.number16(message.lowerBound + 4) {
        case Layout.error:
            guard message.upperBound - body >= 4 else { return nil }
            // The kernel writes a negative errno.
            return .error(0 &- Int32(truncatingIfNeeded: bytes.number32(body)))
        case Layout.done: return .done
        case Layout.byFamily:
            guard message.upperBound - body >= Layout.socket else { return nil }
            return socket(bytes, body, transport)
        default: return .other
        }
    }

    private static func socket(_ bytes: Span<UInt8>, _ body: Int, _ transport: UInt8) -> SocketMessage {
        let width: Int
        switch bytes[body] {
        case Layout.families[0]: width = 4
        case Layout.families[1]: width = 16
        default: return .other
        }
        let port = UInt16(bytes.big(body + 4..<body + 6))
        let peerPort = bytes.big(body + 6..<body + 8)
        guard bytes[body + 1] == waitingState(transport), port != 0, peerPort == 0 else { return .otherSocket }
        return .listening(ListeningSocket(bytes.address(body + 8..<body + 8 + width), port, transport: transport))
    }

    /// TCP_LISTEN, which SCTP and DCCP write too; TCP_CLOSE, as which a socket without a peer of UDP and UDP-Lite is listed.
    static func waitingState(_ transport: UInt8) -> UInt8 { transport == 17 || transport == 136 ? 7 : 10 }

    /// "Which sockets of this family (0: IPv4, 1: IPv6) and transport wait for others?"
    static func question(family: Int, transport: UInt8, sequence: UInt32) -> [UInt8] {
        func number(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) } }
        let body = [Layout.families[family], transport, 0, 0] + number(1 << UInt32(waitingState(transport))) + [UInt8](repeating: 0, count: 48)
        let flags: UInt32 = 0x301  // NLM_F_REQUEST | NLM_F_DUMP
        return number(UInt32(Layout.header + body.count)) + number(UInt32(Layout.byFamily) | flags << 16) + number(sequence) + number(0) + body
    }

    /// Numbers of <linux/netlink.h>, <linux/sock_diag.h> and <linux/inet_diag.h>.
    private enum Layout {
        static let header = 16
        static let socket = 72
        static let error: UInt16 = 2
        static let done: UInt16 = 3
        static let byFamily: UInt16 = 20
        /// AF_INET and AF_INET6.
        static let families: [UInt8] = [2, 10]
    }
}

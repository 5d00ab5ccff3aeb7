// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Netlink
internal import WeirCapture
internal import WeirKit

extension FuzzTarget {
    /// The kernel's list of sockets: what comes behind a message does not change it, nor whose question it answers; one that listens,
    /// written anew, is read as the same.
    static let sockets = FuzzTarget(
        "sockets",
        words: ["\u{58}\0\0\0\u{14}\0\u{2}\0", "\u{14}\0\0\0\u{3}\0\u{2}\0", "\u{24}\0\0\0\u{2}\0\0\0", "\u{2}\n\0\0", "\n\n\0\0", "\u{2}\u{7}\0\0"],
        maxBytes: 1024
    ) { (bytes) throws(BrokenLaw) in
        for transport in [6, 17] as [UInt8] {
            let found = messages(bytes, transport)
            try require(found.count <= bytes.count / 16, "\(found.count) messages in \(bytes.count) bytes")
            let more = messages(bytes + [0xff, 0, 0, 0, 1], transport)
            try require(more.starts(with: found), "bytes behind the end change \(found) to \(more)")
            for case .listening(let socket) in found {
                try require(socket.port != 0 && socket.transport == transport, "\(socket) waits at no port")
                let again = messages(plainMessage(socket), transport)
                try require(again == [.listening(socket)], "\(socket) is read back as \(again)")
            }
        }
    }

    /// Lines of `/proc/PID/net`: a socket that waits, written anew, is read as the same; so is an address.
    static let socketText = FuzzTarget(
        "socket_text",
        words: [
            "  0: ", "0100007F:7A02 ", "00000000:0000 ", "0A ", "07 ", "00000000000000000000000000000000:0000 ", "|-- ", "10.0.0.2", "/32 host LOCAL",
            "\n", "fd000000000000000000000000000002 02 40 00 80 eth0",
        ],
        maxBytes: 1024
    ) { (bytes) throws(BrokenLaw) in
        var trie = AddressTrie()
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map({ Array($0) }) {
            for transport in [6, 17] as [UInt8] {
                guard case .listening(let socket) = SocketText(line.span, transport: transport) else { continue }
                try require(socket.port != 0, "\(socket) waits at no port")
                let plain = Array(plainLine(socket).utf8)
                let again = SocketText(plain.span, transport: transport)
                try require(again == .listening(socket), "\(socket) is read back as \(again)")
            }
            if let address = trie.read(line.span) {
                try require(address.isIPv4, "\(address) in the table of IPv4")
                var other = AddressTrie()
                let (node, local) = (Array("  |-- \(address)".utf8), Array(" /32 host LOCAL".utf8))
                _ = other.read(node.span)
                try require(other.read(local.span) == address, "\(address) is read back as another")
            }
            if let address = interfaceAddress(line.span) {
                let plain = Array("\(digits(address.high, 16))\(digits(address.low, 16)) 01".utf8)
                let again = interfaceAddress(plain.span)
                try require(again == address, "\(address) is read back as another")
            }
        }
    }

    private static func messages(_ bytes: [UInt8], _ transport: UInt8) -> [SocketMessage] {
        var found: [SocketMessage] = []
        SocketMessage.read(bytes.span, transport: transport, sequence: 7) { found.append($0) }
        return found
    }

    private static func big(_ number: UInt64, _ width: Int) -> [UInt8] {
        (0..<width).reversed().map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    }

    /// Every address with sixteen bytes.
    private static func plainMessage(_ socket: ListeningSocket) -> [UInt8] {
        var bytes: [UInt8] = [88, 0, 0, 0, 20, 0, 2, 0, 7, 0, 0, 0, 0, 0, 0, 0]
        bytes += [10, socket.transport == 17 ? 7 : 10, 0, 0]
        bytes += big(UInt64(socket.port), 2)
        bytes += [0, 0]
        bytes += big(socket.address.high, 8)
        bytes += big(socket.address.low, 8)
        return bytes + [UInt8](repeating: 0, count: 88 - bytes.count)
    }

    private static func digits(_ number: UInt64, _ width: Int) -> String {
        let digits = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: width - digits.count) + digits
    }

    private static func plainLine(_ socket: ListeningSocket) -> String {
        let words = [socket.address.high >> 32, socket.address.high, socket.address.low >> 32, socket.address.low]
        let address = words.map { digits(UInt64(UInt32(truncatingIfNeeded: $0).byteSwapped), 8) }.joined()
        let state = socket.transport == 17 ? "07" : "0A"
        return "0: \(address):\(digits(UInt64(socket.port), 4)) \(digits(0, 32)):0000 \(state) 0"
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import Netlink
package import WeirKit

/// A line of `/proc/PID/net/tcp`, `tcp6`, `udp` or `udp6`.
///
/// ```
///    0: 0100007F:7A02 00000000:0000 0A 00000000:00000000 …      number, own end, peer, state
/// ```
/// Addresses are words of four bytes, each written as the machine's number; ports are numbers. Listening sockets come before all others.
package enum SocketText: Sendable, Equatable {
    case listening(ListeningSocket)
    case otherSocket
    /// The heading, or something else.
    case other

    package init(_ line: Span<UInt8>, transport: UInt8) {
        var position = 0
        guard let number = line.nextField(&position), line[number.upperBound - 1] == UInt8(ascii: ":"), let own = line.nextField(&position),
            let peer = line.nextField(&position),
            let state = line.nextField(&position), let (address, port) = Self.end(line, own), let (_, peerPort) = Self.end(line, peer),
            let state = hexadecimal(line, state)
        else {
            self = .other
            return
        }
        let waiting: UInt32 = transport == 17 ? 7 : 10
        guard state == waiting, port != 0, peerPort == 0 else {
            self = .otherSocket
            return
        }
        self = .listening(ListeningSocket(address, port, transport: transport))
    }

    private static func end(_ line: Span<UInt8>, _ field: Range<Int>) -> (IPAddress, UInt16)? {
        let colon = field.upperBound - 5
        guard field.count == 8 + 5 || field.count == 32 + 5, line[colon] == UInt8(ascii: ":"),
            let port = hexadecimal(line, colon + 1..<field.upperBound)
        else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for word in stride(from: field.lowerBound, to: colon, by: 8) {
            guard let value = hexadecimal(line, word..<word + 8) else { return nil }
            (high, low) = (high << 32 | low >> 32, low << 32 | UInt64(value.byteSwapped))
        }
        let address = field.count == 8 + 5 ? IPAddress(ipv4: UInt32(low)) : IPAddress(high: high, low: low)
        return (address, UInt16(truncatingIfNeeded: port))
    }
}

/// Reads the addresses of a network namespace from `/proc/PID/net/fib_trie`, line by line.
///
/// ```
///         |-- 10.0.0.2
///            /32 host LOCAL
/// ```
package struct AddressTrie: Sendable {
    private var last: IPAddress?

    package init() {}

    /// The address that the line completes.
    package mutating func read(_ line: Span<UInt8>) -> IPAddress? {
        var position = 0
        guard let first = line.nextField(&position) else { return nil }
        if first.count == 3, line[first.lowerBound] == UInt8(ascii: "|"), let address = line.nextField(&position) {
            last = IPAddress(text(line, address)).flatMap { $0.isIPv4 ? $0 : nil }
            return nil
        }
        guard let last, text(line, first) == "/32", line.nextField(&position).map({ text(line, $0) }) == "host",
            line.nextField(&position).map({ text(line, $0) }) == "LOCAL"
        else { return nil }
        return last
    }
}

/// The address in a line of `/proc/PID/net/if_inet6`: 32 digits, then what it is.
package func interfaceAddress(_ line: Span<UInt8>) -> IPAddress? {
    var position = 0
    guard let digits = line.nextField(&position), digits.count == 32 else { return nil }
    var words: [UInt64] = []
    for word in stride(from: digits.lowerBound, to: digits.upperBound, by: 8) {
        guard let value = hexadecimal(line, word..<word + 8) else { return nil }
        words.append(UInt64(value))
    }
    return IPAddress(high: words[0] << 32 | words[1], low: words[2] << 32 | words[3])
}

extension Span<UInt8> {
    /// What stands between blanks from `position` on, which moves behind it.
    fileprivate func nextField(_ position: inout Int) -> Range<Int>? {
        while position < count, self[position] == UInt8(ascii: " ") { position += 1 }
        let start = position
        while position < count, self[position] != UInt8(ascii: " ") { position += 1 }
        return start == position ? nil : start..<position
    }
}

/// One to eight hexadecimal digits.
private func hexadecimal(_ line: Span<UInt8>, _ field: Range<Int>) -> UInt32? {
    guard (1...8).contains(field.count) else { return nil }
    var number: UInt32 = 0
    for index in field {
        switch line[index] {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt32(line[index] - UInt8(ascii: "0"))
        case UInt8(ascii: "A")...UInt8(ascii: "F"): number = number << 4 | UInt32(line[index] - UInt8(ascii: "A") + 10)
        case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt32(line[index] - UInt8(ascii: "a") + 10)
        default: return nil
        }
    }
    return number
}

private func text(_ line: Span<UInt8>, _ field: Range<Int>) -> String {
    var bytes: [UInt8] = []
    for index in field { bytes.append(line[index]) }
    return String(decoding: bytes, as: UTF8.self)
}

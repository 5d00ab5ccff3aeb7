// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// A server that answers DNS questions, over UDP and TCP.
public struct DNSServer: Sendable, Hashable {
    public static let standardPort: UInt16 = 53

    public var address: IPAddress
    public var port: UInt16

    public init(_ address: IPAddress, port: UInt16 = DNSServer.standardPort) {
        self.address = address
        self.port = port
    }
}

extension DNSServer: LosslessStringConvertible {
    /// Reads `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` and `[2001:db8::53]:5353`.
    public init?(_ text: String) {
        if let address = IPAddress(text) {
            self.init(address)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            // An IPv6 address with a port needs brackets, or nobody could tell where it ends.
            return nil
        }
        guard let address = IPAddress(host) else { return nil }
        self.init(address, port: port)
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = UInt16(text), port > 0
        else { return nil }
        return port
    }

    public var description: String {
        if port == Self.standardPort { return address.description }
        return address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }
}

extension DNSServer: ConfigValue {
    public init?(configText: String) { self.init(configText) }
    public static var example: String { "a server such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353" }
    public var configText: String { description }
}

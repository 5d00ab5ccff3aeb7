// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// One request as it came over the wire.
package struct ScriptedRequest: Sendable {
    /// The number of its connection, from 1.
    package var connection: Int
    package var method: String
    /// As sent: `/api/v1/pods?watch=1`, or a whole URL when a client takes the server for a proxy.
    package var target: String
    /// `HTTP/1.1`.
    package var version: String
    package var headers: [(name: String, value: String)]
    /// Without the framing of chunks.
    package var body: [UInt8]

    /// The target up to its question mark.
    package var path: String { String(target.prefix { $0 != "?" }) }
    /// The body as text; bytes that are no UTF-8 are replaced.
    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The first value of a header, whatever its case.
    package func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }

    /// The value of a name in the query, percent-decoded; nil when it is not there.
    package func query(_ name: String) -> String? {
        guard let mark = target.firstIndex(of: "?") else { return nil }
        for pair in target[target.index(after: mark)...].split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if Self.decoded(halves[0]) == name { return halves.count > 1 ? Self.decoded(halves[1]) : "" }
        }
        return nil
    }

    /// The client wants no further request on this connection.
    var wantsClose: Bool { header("connection")?.lowercased() == "close" || version == "HTTP/1.0" }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What a client sent that is no HTTP request.
package struct MalformedRequest: Error, CustomStringConvertible {
    package let description: String
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A question to the API server.
package struct KubernetesRequest: Sendable {
    /// Below the server's address: `/api/v1/pods`.
    package var path: String
    package var query: [(name: String, value: String)] = []
    package var accept = "application/json"
    /// No byte for so long ends the answer.
    package var idleTimeout: Duration
    /// The whole answer takes no longer.
    package var totalTimeout: Duration
    /// Small pieces of the answer may gather for so long.
    package var gatherTime: Duration = .zero

    package init(path: String, idleTimeout: Duration, totalTimeout: Duration) {
        self.path = path
        self.idleTimeout = idleTimeout
        self.totalTimeout = totalTimeout
    }

    /// Path and query as they go into an address.
    package var target: String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\(Self.escaped($0.name))=\(Self.escaped($0.value))" }.joined(separator: "&")
    }

    /// All but the unreserved characters of RFC 3986 as `%XX`.
    static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let digits = Array("0123456789ABCDEF".utf8)
}

/// What carries questions to the API server: HTTP, or a test.
package protocol KubernetesTransport: Sendable {
    /// The head of the answer; its body follows piece by piece.
    func open(_ request: KubernetesRequest) async throws(KubernetesError) -> any KubernetesAnswer
    /// Where trouble of the server is said once for all reflectors that ask it; nil for one place each.
    var talk: TroubleTalk? { get }
}

extension KubernetesTransport {
    package var talk: TroubleTalk? { nil }
}

package protocol KubernetesAnswer: Sendable {
    var status: Int { get }
    /// What the server asks to wait.
    var retryAfter: Duration? { get }
    /// Nil at the end.
    func nextPiece() async throws(KubernetesError) -> [UInt8]?
    func cancel()
}

/// Why the API server cannot be asked; the description finishes "could not …" and holds no secret.
package struct KubernetesError: Error, CustomStringConvertible, Sendable {
    package let reason: RestartReason
    package let description: String

    package init(_ reason: RestartReason, _ description: String) {
        self.reason = reason
        self.description = description
    }
}

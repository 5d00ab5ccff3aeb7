// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

public struct PrometheusOptions: PluginOptions {
    /// Where below the host's listener scrapes are answered.
    public var path = "/metrics"

    public init() {}

    public mutating func read(_ section: inout ConfigSection) {
        guard let node = section.take("path"), let found: String = section.scalar(node) else { return }
        guard Self.isPath(found) else {
            return section.note(.badValue, "'\(found)' is not a path such as /metrics", at: node.position)
        }
        path = found
    }

    /// What a listener can tell apart from other paths without decoding anything: `/`, then letters, digits and `-._~/`.
    private static func isPath(_ text: String) -> Bool {
        text.utf8.first == UInt8(ascii: "/") && text.utf8.count > 1
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: "-._~/".utf8.contains(byte)
                }
            }
    }
}

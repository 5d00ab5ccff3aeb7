// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// `tap:`, where `weir tap` finds the agent.
struct TapOptions: Sendable, Equatable {
    static let standardSocket = "/run/weir/tap.sock"

    /// Nil for `tap: off`.
    var socket: String? = standardSocket

    mutating func read(_ node: ConfigNode, problems: ConfigProblems, files: ConfigFiles) {
        if node.text == "off" {
            socket = nil
            return
        }
        guard node.text == nil || node.text == "" else {
            return problems.note(
                .badValue, "'\(node.text ?? "")' is not a mapping such as { socket: \(Self.standardSocket) }, nor off", at: node.position)
        }
        guard var section = ConfigSection(node, problems: problems, files: files) else { return }
        if let path = section.take("socket"), let found: String = section.scalar(path) {
            if let objection = Self.objection(to: found) { section.note(.badValue, objection, at: path.position) } else { socket = found }
        }
        _ = section.finish()
    }

    /// Why no socket can stand at a path; nil when one can.
    static func objection(to path: String) -> String? {
        guard path.hasPrefix("/"), !path.hasSuffix("/"), !path.utf8.contains(0) else {
            return "'\(path)' is not an absolute path such as \(standardSocket)"
        }
        guard path.utf8.count <= UnixSocket.longestPath else {
            return "'\(path)' has \(path.utf8.count) bytes, more than the \(UnixSocket.longestPath) that a socket's path may have"
        }
        return nil
    }
}

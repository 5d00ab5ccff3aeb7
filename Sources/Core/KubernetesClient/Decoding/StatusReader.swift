// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON

/// Reads the body of a refusal for what the server says of it. Bodies that are no `Status`, as proxies send them, say nothing.
struct StatusReader {
    private static let maxBytes = 64 << 10

    private var scanner: FieldScanner
    private var draft = ObjectDraft(labelNames: [])
    private var bytes = 0
    private var isBroken = false

    init() {
        var tree = FieldTree()
        tree.want(["code"], as: Field.code)
        tree.want(["reason"], as: Field.reason)
        tree.want(["message"], as: Field.message)
        tree.want(["details", "retryAfterSeconds"], as: Field.retryAfter)
        scanner = FieldScanner(tree, maxTextBytes: DecodeLimits.textBytes)
    }

    /// Whether more is of use.
    mutating func read(_ piece: [UInt8]) -> Bool {
        bytes += piece.count
        guard !isBroken, bytes <= Self.maxBytes else { return false }
        var offset = 0
        do {
            while let token = try scanner.next(piece, &offset) {
                if case .text(let field) = token { draft.take(field, scanner.text) }
            }
        } catch { isBroken = true }
        return !isBroken
    }

    var status: APIStatus { draft.status }
}

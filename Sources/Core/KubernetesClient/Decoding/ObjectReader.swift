// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON

/// Reads one object as it arrives.
struct ObjectReader<Object: KubernetesObject> {
    private var scanner: FieldScanner
    private var draft: ObjectDraft
    private var bytes = 0
    private var isOver = false

    init(labels: [String]) {
        var tree = FieldTree()
        Object.want(&tree, at: [], labels: labels)
        scanner = FieldScanner(tree, maxTextBytes: DecodeLimits.textBytes)
        draft = ObjectDraft(labelNames: labels)
    }

    mutating func read(_ piece: [UInt8]) throws(KubernetesError) {
        bytes += piece.count
        guard bytes <= WatchDecoder<Object>.maxItemBytes else { throw KubernetesError(.decode, "read an object: it is too long") }
        var offset = 0
        do throws(FieldScanner.Problem) {
            while let token = try scanner.next(piece, &offset) {
                switch token {
                case .text(let field): draft.take(field, scanner.text)
                case .tooLong: draft.leaveOut()
                case .end(let field): draft.end(field)
                case .unexpected: draft.isMalformed = true
                case .document: isOver = true
                }
            }
        } catch { throw KubernetesError(.decode, "read an object: the server sent \(DecodeProblem(error))") }
    }

    mutating func end() throws(KubernetesError) -> Object {
        var tally = DecodeTally()
        guard isOver, let object: Object = draft.finish(&tally) else {
            throw KubernetesError(.decode, "read an object: what the server sent is none")
        }
        return object
    }
}

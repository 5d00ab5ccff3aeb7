// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON

/// Reads the pages of a list as they arrive, object by object.
struct ListDecoder<Object: KubernetesObject> {
    private static var maxItemBytes: Int { WatchDecoder<Object>.maxItemBytes }
    /// The list itself is one object and one list deep.
    private static var itemDepth: Int { 2 }

    private var scanner: FieldScanner
    private var bytesOfItem = 0
    private(set) var resourceVersion = ""
    /// Empty on the last page.
    private(set) var continueToken = ""
    private var isOver = false

    init(_ tree: FieldTree) { scanner = FieldScanner(tree, maxTextBytes: DecodeLimits.textBytes) }

    /// What is wanted of a list.
    static func tree(labels: [String]) -> FieldTree {
        var tree = FieldTree()
        tree.want(["metadata", "resourceVersion"], as: Field.listVersion)
        tree.want(["metadata", "continue"], as: Field.continueToken)
        let item: [FieldTree.Step] = ["items", .each]
        Object.want(&tree, at: item, labels: labels)
        tree.wantEnd(of: item, as: Field.itemEnd)
        return tree
    }

    /// Appends the objects that end in this piece; `draft` holds the one that does not.
    mutating func read(
        _ piece: [UInt8], _ draft: inout ObjectDraft, into events: inout [ReflectorEvent<Object>], _ tally: inout DecodeTally
    ) throws(DecodeProblem) {
        var offset = 0
        var mark = 0
        do throws(FieldScanner.Problem) {
            while let token = try scanner.next(piece, &offset) {
                switch token {
                case .text(Field.listVersion): resourceVersion = ValueText.read(scanner.text) ?? ""
                case .text(Field.continueToken): continueToken = ValueText.read(scanner.text, limit: DecodeLimits.textBytes) ?? ""
                case .text(let field): draft.take(field, scanner.text)
                case .tooLong(Field.continueToken):
                    throw scanner.problem("a continue token that is longer than \(DecodeLimits.textBytes) bytes", offset)
                case .tooLong: draft.leaveOut()
                case .end(Field.itemEnd):
                    bytesOfItem = 0
                    mark = offset
                    if let object: Object = draft.finish(&tally) { events.append(.put(object)) }
                    draft.empty()
                case .end(let field): draft.end(field)
                case .unexpected(let depth) where depth > Self.itemDepth: draft.isMalformed = true
                case .unexpected(Self.itemDepth): tally.skipped += 1
                case .unexpected: throw scanner.problem("a list that is none", offset)
                case .document: isOver = true
                }
            }
        } catch { throw DecodeProblem(error) }
        bytesOfItem += piece.count - mark
        if bytesOfItem > Self.maxItemBytes { throw DecodeProblem("an object that is longer than \(Self.maxItemBytes) bytes") }
    }

    /// Behind the last piece.
    func end() throws(DecodeProblem) {
        guard isOver, scanner.isBetweenDocuments else { throw DecodeProblem("an answer that ends in the middle") }
        guard !resourceVersion.isEmpty else { throw DecodeProblem("a list without a resourceVersion") }
    }
}

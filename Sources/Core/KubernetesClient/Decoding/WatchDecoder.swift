// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON

enum DecodeLimits {
    /// The longest text that is looked at: tokens of pages and messages are the longest.
    static let textBytes = 8192
}

/// What decoding left out.
struct DecodeTally: Equatable {
    /// Objects that could not be read, and events of an unknown kind.
    var skipped = 0
    /// Values that were left out of objects.
    var badValues = 0
}

/// Why nothing more can be read of an answer; finishes "the server sent …".
struct DecodeProblem: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    init(_ problem: FieldScanner.Problem) {
        description = "what is no JSON at byte \(problem.offset): \(problem.message)"
    }
}

extension ObjectDraft {
    /// The object that was read; nil, and counted, when it is not to be trusted.
    mutating func finish<Object: KubernetesObject>(_ tally: inout DecodeTally) -> Object? {
        tally.badValues += badValues
        guard !isMalformed, let meta, let object = Object(meta, self) else {
            tally.skipped += 1
            return nil
        }
        return object
    }
}

/// Reads the events of a watch as they arrive: `{"type":"ADDED","object":{…}}`, in any order of the two.
struct WatchDecoder<Object: KubernetesObject> {
    /// The most bytes of one object; API servers take 3 MiB at most.
    static var maxItemBytes: Int { 16 << 20 }

    enum Event {
        case put(Object)
        case delete(ObjectIdentity)
        /// The last event: the server says why there are no more.
        case failure(APIStatus)
        /// The last event: its version is older than the one from which the watch began. Somebody has put back an older state of the
        /// whole cluster.
        case rewound
    }

    private var scanner: FieldScanner
    /// The version from which the watch began, where it is a number.
    private let start: UInt64?
    private var kind: Kind?
    private var isOver = false
    private var bytesOfEvent = 0
    /// The version that the last event had, a bookmark or a skipped object included; empty before the first.
    private(set) var resourceVersion = ""
    /// Changes and bookmarks so far: what shows that the watch works.
    private(set) var events = 0

    private enum Kind: String { case added = "ADDED", modified = "MODIFIED", deleted = "DELETED", bookmark = "BOOKMARK", error = "ERROR" }

    init(_ tree: FieldTree, from version: String) {
        scanner = FieldScanner(tree, maxTextBytes: DecodeLimits.textBytes)
        start = UInt64(version)
    }

    /// What is wanted of an event.
    static func tree(labels: [String]) -> FieldTree {
        var tree = FieldTree()
        tree.want(["type"], as: Field.eventType)
        Object.want(&tree, at: ["object"], labels: labels)
        tree.want(["object", "code"], as: Field.code)
        tree.want(["object", "reason"], as: Field.reason)
        tree.want(["object", "message"], as: Field.message)
        tree.want(["object", "details", "retryAfterSeconds"], as: Field.retryAfter)
        return tree
    }

    /// Appends what the events that end in this piece say; `draft` holds the one that does not.
    mutating func read(
        _ piece: [UInt8], _ draft: inout ObjectDraft, into found: inout [Event], _ tally: inout DecodeTally
    ) throws(DecodeProblem) {
        var offset = 0
        var mark = 0
        do throws(FieldScanner.Problem) {
            while !isOver, let token = try scanner.next(piece, &offset) {
                switch token {
                case .text(Field.eventType): kind = Kind(rawValue: String(decoding: scanner.text, as: UTF8.self))
                case .text(let field): draft.take(field, scanner.text)
                case .tooLong: draft.leaveOut()
                case .end(let field): draft.end(field)
                case .unexpected(let depth):
                    if depth == 0 { throw scanner.problem("an event that is no object", offset) }
                    draft.isMalformed = true
                case .document:
                    bytesOfEvent = 0
                    mark = offset
                    finish(&draft, &found, &tally)
                }
            }
        } catch { throw DecodeProblem(error) }
        bytesOfEvent += piece.count - mark
        if bytesOfEvent > Self.maxItemBytes { throw DecodeProblem("an event that is longer than \(Self.maxItemBytes) bytes") }
    }

    /// Whether the stream may end here: not within an event.
    var isBetweenEvents: Bool { scanner.isBetweenDocuments }

    private mutating func finish(_ draft: inout ObjectDraft, _ found: inout [Event], _ tally: inout DecodeTally) {
        defer {
            kind = nil
            draft.empty()
        }
        if kind == .error {
            isOver = true
            return found.append(.failure(draft.status))
        }
        let isOlder = if let start, let version = UInt64(draft.resourceVersion) { version < start } else { false }
        // A deleted object may come with the version that it had before.
        if isOlder, kind != nil, kind != .deleted {
            isOver = true
            return found.append(.rewound)
        }
        if kind != nil {
            events += 1
            if !draft.resourceVersion.isEmpty, !isOlder { resourceVersion = draft.resourceVersion }
        }
        switch kind {
        case .added, .modified:
            if let object: Object = draft.finish(&tally) { found.append(.put(object)) }
        case .deleted:
            // What else is wrong with an object that is gone matters no more.
            if let identity = draft.meta?.identity { found.append(.delete(identity)) } else { tally.skipped += 1 }
        case .bookmark, .error: break
        case nil: tally.skipped += 1
        }
    }
}

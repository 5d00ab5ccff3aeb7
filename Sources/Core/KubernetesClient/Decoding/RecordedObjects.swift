// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import PlainJSON
internal import WeirKit

/// What a file of objects says of one of them.
package struct RecordedObject: Sendable {
    package enum Change: Sendable {
        case pod(Pod)
        case node(Node)
        case service(Service)
        case namespace(PartialObject)
        case replicaSet(PartialObject)
        case job(PartialObject)
        /// The object of this kind is gone.
        case delete(KubernetesResource, ObjectIdentity)
    }

    package let change: Change
    /// Nanoseconds since 1970; nil where the file does not say when.
    package let time: UInt64?
}

/// Reads files of objects, in the order in which they stand: what `kubectl get -o json` writes (a list, or one object), and what
/// `kubectl get -w --output-watch-events -o json` does (`{"type":"ADDED","object":{…}}`), in which a `"time"` may stand beside
/// the object. Documents follow each other with blanks or new lines between them. Other kinds of objects are passed over.
package enum RecordedObjects {
    package struct Problem: Error, CustomStringConvertible {
        package let description: String
    }

    package static func read(_ bytes: [UInt8], labels: [String]) throws(Problem) -> [RecordedObject] {
        var found: [(place: Int, object: RecordedObject)] = []
        // One pass per kind: the same path holds different things in each.
        found += try read(bytes, .pods, labels) { (object: Pod) in .pod(object) }
        found += try read(bytes, .nodes, labels) { (object: Node) in .node(object) }
        found += try read(bytes, .services, labels) { (object: Service) in .service(object) }
        found += try read(bytes, .namespaces, labels) { (object: PartialObject) in .namespace(object) }
        found += try read(bytes, .replicaSets, labels) { (object: PartialObject) in .replicaSet(object) }
        found += try read(bytes, .jobs, labels) { (object: PartialObject) in .job(object) }
        return found.sorted { $0.place < $1.place }.map(\.object)
    }

    private static func read<Object: KubernetesObject>(
        _ bytes: [UInt8], _ resource: KubernetesResource, _ labels: [String], _ change: (Object) -> RecordedObject.Change
    ) throws(Problem) -> [(place: Int, object: RecordedObject)] {
        var pass = Pass<Object>(resource, labels)
        return try pass.read(bytes, change)
    }

    private struct Pass<Object: KubernetesObject> {
        private let resource: KubernetesResource
        private var scanner: FieldScanner
        private var draft: ObjectDraft
        private var kind = ""
        private var type = ""
        private var time: UInt64?
        private var hasTime = false

        init(_ resource: KubernetesResource, _ labels: [String]) {
            self.resource = resource
            var seen: Set<String> = []
            let labels = labels.filter { seen.insert($0).inserted }
            var tree = FieldTree()
            tree.want(["type"], as: Field.eventType)
            tree.want(["time"], as: Field.time)
            for path: [FieldTree.Step] in [[], ["items", .each], ["object"]] {
                tree.want(path + ["kind"], as: Field.kind)
                Object.want(&tree, at: path, labels: labels)
            }
            tree.wantEnd(of: ["items", .each], as: Field.itemEnd)
            scanner = FieldScanner(tree, maxTextBytes: DecodeLimits.textBytes)
            draft = ObjectDraft(labelNames: labels)
        }

        mutating func read(
            _ bytes: [UInt8], _ change: (Object) -> RecordedObject.Change
        ) throws(Problem) -> [(place: Int, object: RecordedObject)] {
            var found: [(place: Int, object: RecordedObject)] = []
            var offset = 0
            do throws(FieldScanner.Problem) {
                while let token = try scanner.next(bytes, &offset) {
                    switch token {
                    case .text(Field.kind): kind = String(decoding: scanner.text, as: UTF8.self)
                    case .text(Field.eventType): type = String(decoding: scanner.text, as: UTF8.self)
                    case .text(Field.time):
                        (time, hasTime) = (RFC3339.nanoseconds(String(decoding: scanner.text, as: UTF8.self)), true)
                    case .text(let field): draft.take(field, scanner.text)
                    case .tooLong: draft.leaveOut()
                    case .end(Field.itemEnd): if let object = finish(change) { found.append((offset, object)) }
                    case .end(let field): draft.end(field)
                    case .unexpected: draft.isMalformed = true
                    case .document:
                        if hasTime, time == nil { throw scanner.problem("a time that is not such as 2026-01-02T03:04:05Z", offset) }
                        if let object = finish(change) { found.append((offset, object)) }
                        (type, time, hasTime) = ("", nil, false)
                    }
                }
            } catch { throw Problem(description: "no objects in JSON at byte \(error.offset): \(error.message)") }
            guard scanner.isBetweenDocuments else { throw Problem(description: "the file ends in the middle of an object") }
            return found
        }

        private mutating func finish(_ change: (Object) -> RecordedObject.Change) -> RecordedObject? {
            defer {
                draft.empty()
                kind = ""
            }
            guard kind == resource.kind else { return nil }
            if type == "DELETED" {
                return draft.meta.map { RecordedObject(change: .delete(resource, $0.identity), time: time) }
            }
            var tally = DecodeTally()
            let object: Object? = draft.finish(&tally)
            return object.map { RecordedObject(change: change($0), time: time) }
        }
    }
}

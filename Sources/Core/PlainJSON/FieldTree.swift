// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Which values of a JSON document are wanted, each under a number that the reader chooses: what a `FieldScanner` looks for.
///
/// A small tree, laid out flat: a look-up compares bytes and allocates nothing.
package struct FieldTree: Sendable {
    /// One step of a path from the root of a document.
    package enum Step: Hashable, Sendable, ExpressibleByStringLiteral {
        /// Into the member of an object.
        case key(String)
        /// Into every item of a list.
        case each

        package init(stringLiteral key: String) { self = .key(key) }
    }

    struct Node {
        var kind = Kind.unknown
        /// The number of a scalar that is wanted, or of an object or list whose end is; -1 for none.
        var field = -1
        /// The node of every item; -1 for an object.
        var element = -1
        /// Where its members lie in `members` once the tree is sealed.
        var members = 0..<0
    }

    enum Kind { case unknown, scalar, object, list }

    private struct Member {
        var parent: Int
        /// Where its name lies in `names`.
        var name: Range<Int>
        var node: Int
    }

    private(set) var nodes = [Node()]
    private var members: [Member] = []
    private var names: [UInt8] = []

    package init() {}

    /// Wants the scalar at `path`. A path stands once in a tree, and its parents are what its steps say.
    package mutating func want(_ path: [Step], as field: Int) {
        let node = reach(path)
        precondition(nodes[node].kind == .unknown, "a path stands twice in a tree of fields")
        nodes[node].kind = .scalar
        nodes[node].field = field
        seal()
    }

    /// Wants to know where the object or list at `path` ends. Something in it is wanted before.
    package mutating func wantEnd(of path: [Step], as field: Int) {
        let node = reach(path)
        precondition(nodes[node].kind == .object || nodes[node].kind == .list, "the end of something that holds no field")
        nodes[node].field = field
        seal()
    }

    /// How deep the deepest wanted value lies.
    private(set) var depth = 0

    private mutating func reach(_ path: [Step]) -> Int {
        depth = max(depth, path.count)
        var node = 0
        for step in path {
            switch step {
            case .each:
                precondition(nodes[node].kind != .object && nodes[node].kind != .scalar, "items of something that is no list")
                nodes[node].kind = .list
                if nodes[node].element < 0 {
                    nodes[node].element = nodes.count
                    nodes.append(Node())
                }
                node = nodes[node].element
            case .key(let name):
                precondition(nodes[node].kind != .list && nodes[node].kind != .scalar, "a member of something that is no object")
                nodes[node].kind = .object
                let bytes = Array(name.utf8)
                if let known = members.first(where: { $0.parent == node && names[$0.name].elementsEqual(bytes) }) {
                    node = known.node
                } else {
                    members.append(Member(parent: node, name: names.count..<names.count + bytes.count, node: nodes.count))
                    names += bytes
                    node = nodes.count
                    nodes.append(Node())
                }
            }
        }
        return node
    }

    private mutating func seal() {
        members.sort { ($0.parent, $0.node) < ($1.parent, $1.node) }
        for node in nodes.indices {
            let first = members.firstIndex { $0.parent == node } ?? 0
            nodes[node].members = first..<first + members.count { $0.parent == node }
        }
    }

    /// The node of the member `name` of `node`; -1 where nothing of it is wanted. Called once per key of a wanted object.
    func member(_ name: [UInt8], of node: Int) -> Int {
        for index in nodes[node].members {
            let range = members[index].name
            guard range.count == name.count else { continue }
            var position = 0
            while position < name.count, names[range.lowerBound + position] == name[position] { position += 1 }
            if position == name.count { return members[index].node }
        }
        return -1
    }
}

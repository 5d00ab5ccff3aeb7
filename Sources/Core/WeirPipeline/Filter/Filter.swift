// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit
internal import Patterns

/// A condition on a flow, checked: every name exists, every value fits its attribute.
///
/// `src.team == "payments" and (dst.port in [80, 443] or not traffic.scope == "internet")`
package struct Filter: Sendable {
    /// What a comparison looks at.
    enum Subject: Sendable, Hashable {
        case attribute(SelectedAttribute)
        case bytes, packets

        var name: String {
            switch self {
            case .attribute(let attribute): attribute.name
            case .bytes: "bytes"
            case .packets: "packets"
            }
        }
    }

    enum Comparison: Sendable, Equatable {
        case less, lessOrEqual, equal, greaterOrEqual, greater
    }

    /// One comparison. Negations (`!=`, `not in`) stand in the tree around it.
    enum Test: Sendable {
        case number(Subject, Comparison, UInt64)
        case numbers(Subject, Set<UInt64>)
        case addresses(End, [CIDR])
        case texts(SelectedAttribute, Set<String>)
        case glob(SelectedAttribute, Glob)
        case regex(SelectedAttribute, Pattern)
    }

    indirect enum Node: Sendable {
        case test(Test)
        case not(Node)
        case and(Node, Node)
        case or(Node, Node)
    }

    let root: Node
    /// As the user wrote it, for `weir explain`.
    package let text: String

    /// Every attribute that the filter looks at.
    package var attributes: Set<SelectedAttribute> {
        var found: Set<SelectedAttribute> = []
        func visit(_ node: Node) {
            switch node {
            case .not(let inner): visit(inner)
            case .and(let a, let b), .or(let a, let b):
                visit(a)
                visit(b)
            case .test(let test):
                switch test {
                case .number(.attribute(let attribute), _, _), .numbers(.attribute(let attribute), _), .texts(let attribute, _),
                    .glob(let attribute, _), .regex(let attribute, _):
                    found.insert(attribute)
                case .addresses(let end, _): found.insert(SelectedAttribute(.address, end))
                case .number, .numbers: break
                }
            }
        }
        visit(root)
        return found
    }

    /// Reads a filter from the configuration; nil, with a problem noted at its column, when it is wrong.
    package static func read(_ node: ConfigNode, catalog: Catalog, problems: ConfigProblems) -> Filter? {
        guard let text = node.text else {
            problems.note(.wrongShape, "expected a filter such as 'traffic.scope == \"internet\"', found \(node.kindName)", at: node.position)
            return nil
        }
        do {
            return try Filter(text, catalog)
        } catch {
            problems.note(.badFilter, "filter, column \(error.column): \(error.message)", at: node.position)
            return nil
        }
    }

    package init(_ text: String, _ catalog: Catalog) throws(FilterError) {
        var parser = try FilterParser(text, catalog)
        root = try parser.parse()
        self.text = text
    }

    /// Where an attribute stands first in a filter that is right, in characters from 1.
    package static func place(of attribute: SelectedAttribute, in text: String, _ catalog: Catalog) -> Int? {
        (try? FilterLexer.tokens(text))?.first { token in
            if case .word(let word) = token.kind { catalog.named(word) == attribute } else { false }
        }?.column
    }

    private init(root: Node, text: String) {
        self.root = root
        self.text = text
    }

    /// A filter that ships with the program: it can only be right.
    static func builtIn(_ text: String, _ catalog: Catalog) -> Filter {
        do { return try Filter(text, catalog) } catch { preconditionFailure("a built-in filter is wrong: \(error.message)") }
    }

    /// The flows that pass both; either may be missing.
    static func both(_ a: Filter?, _ b: Filter?) -> Filter? {
        guard let a, let b else { return a ?? b }
        return Filter(root: .and(a.root, b.root), text: "(\(a.text)) and (\(b.text))")
    }
}

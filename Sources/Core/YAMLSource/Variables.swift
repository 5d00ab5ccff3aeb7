// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

extension YAMLSource {
    /// Fills `${VAR}` and `${VAR:-default}` into the scalar values of a tree; `$$` is a dollar. Keys stay as they are.
    ///
    /// What a variable holds is taken as it is, never read again. `${VAR:-default}` gives the default when the
    /// variable is not set or empty. A lone `$`, as at the end of a pattern, stands for itself; `$NAME` without
    /// braces is refused, because who writes it means the variable.
    public static func expand(_ node: ConfigNode, environment: [String: String], problems: ConfigProblems) -> ConfigNode {
        var expanded = node
        switch node.content {
        case .scalar(let text):
            guard text.utf8.contains(UInt8(ascii: "$")) else { return node }
            var expansion = Expansion(environment: environment)
            expansion.read(text)
            for problem in expansion.problems { problems.note(problem.kind, problem.message, at: node.position) }
            expanded.content = .scalar(expansion.result)
        case .list(let items):
            expanded.content = .list(items.map { expand($0, environment: environment, problems: problems) })
        case .mapping(let entries):
            expanded.content = .mapping(
                entries.map { ConfigNode.Entry(key: $0.key, value: expand($0.value, environment: environment, problems: problems)) })
        }
        return expanded
    }
}

/// One scalar while its variables are filled in.
private struct Expansion {
    let environment: [String: String]
    var result = ""
    var problems: [(kind: ConfigProblem.Kind, message: String)] = []

    init(environment: [String: String]) { self.environment = environment }

    mutating func read(_ text: String) {
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...].dropFirst()
            switch rest.first {
            case "$":
                result += "$"
                rest = rest.dropFirst()
            case "{":
                guard let end = rest.firstIndex(of: "}") else {
                    problems.append((.badVariable, "'$\(rest)' has no closing '}'; write $$ for a dollar"))
                    return
                }
                variable(rest[rest.index(after: rest.startIndex)..<end])
                rest = rest[end...].dropFirst()
            case let next? where next.isASCII && (next.isLetter || next == "_"):
                let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
                problems.append((.badVariable, "'$\(name)' lacks its braces: write ${\(name)}, or $$\(name) for the text itself"))
            default:
                result += "$"
            }
        }
        result += rest
    }

    /// What stands between the braces.
    private mutating func variable(_ text: Substring) {
        let name = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        let rest = text.dropFirst(name.count)
        guard let first = name.first, !first.isNumber, rest.isEmpty || rest.hasPrefix(":-") else {
            problems.append((.badVariable, "'${\(text)}' is not ${NAME} or ${NAME:-default}; write $$ for a dollar"))
            return
        }
        let value = environment[String(name)]
        if rest.isEmpty {
            guard let value else {
                problems.append((.unsetVariable, "the variable \(name) is not set; ${\(name):-default} would give a default"))
                return
            }
            result += value
        } else {
            result += value.flatMap { $0.isEmpty ? nil : $0 } ?? String(rest.dropFirst(2))
        }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A PromQL query as far as questions about names and factors need it. Ranges count bytes of the query.
package indirect enum Expression: Sendable, Equatable {
    case number(Double, Range<Int>)
    case text(Range<Int>)
    case selector(Selector)
    case call(Call)
    case binary(Binary)
    /// `-x`; a plus sign changes nothing, and leaves nothing here.
    case negative(Expression, Range<Int>)
    case group(Expression, Range<Int>)
    /// A variable of a dashboard, which may stand for anything.
    case variable(Range<Int>)

    package struct Selector: Sendable, Equatable {
        /// The metric's name, however it was written; nil where matchers alone choose.
        package var name: Name?
        package var matchers: [Matcher] = []
        package var range: Range<Int>
    }

    /// A name with its place.
    package struct Name: Sendable, Equatable {
        package let text: String
        package let range: Range<Int>
    }

    package struct Matcher: Sendable, Equatable {
        package let label: Name
        /// `=`, `!=`, `=~` or `!~`.
        package let operation: String
        package let value: String
    }

    /// A function or an aggregation.
    package struct Call: Sendable, Equatable {
        package let name: Name
        /// Those of `by` and `without`.
        package var labels: [Name] = []
        package var arguments: [Expression] = []
        package var range: Range<Int>
    }

    package struct Binary: Sendable, Equatable {
        package let operation: Name
        package let left: Expression
        package let right: Expression
        /// Those of `on`, `ignoring`, `group_left` and `group_right`.
        package let labels: [Name]
    }

    package var range: Range<Int> {
        switch self {
        case .number(_, let range), .text(let range), .negative(_, let range), .group(_, let range), .variable(let range): range
        case .selector(let selector): selector.range
        case .call(let call): call.range
        case .binary(let binary): binary.left.range.lowerBound..<binary.right.range.upperBound
        }
    }

    /// What the expression is where it does not depend on any series: `2`, `(1 + 1)`, `vector(2)`.
    package var constant: Double? {
        switch self {
        case .number(let value, _): return value
        case .group(let inner, _): return inner.constant
        case .negative(let inner, _): return inner.constant.map { -$0 }
        case .call(let call):
            let name = call.name.text.lowercased()
            return (name == "vector" || name == "scalar") && call.arguments.count == 1 ? call.arguments[0].constant : nil
        case .binary(let binary):
            guard let left = binary.left.constant, let right = binary.right.constant else { return nil }
            switch binary.operation.text {
            case "+": return left + right
            case "-": return left - right
            case "*": return left * right
            case "/": return left / right
            default: return nil
            }
        case .text, .selector, .variable: return nil
        }
    }

    /// Calls `body` with this expression, and then with each that it is made of.
    package func walk(_ body: (Expression) -> Void) {
        body(self)
        switch self {
        case .number, .text, .selector, .variable: break
        case .negative(let inner, _), .group(let inner, _): inner.walk(body)
        case .call(let call): for argument in call.arguments { argument.walk(body) }
        case .binary(let binary):
            binary.left.walk(body)
            binary.right.walk(body)
        }
    }

    /// Every selector in it.
    package var selectors: [Selector] {
        var found: [Selector] = []
        walk { if case .selector(let selector) = $0 { found.append(selector) } }
        return found
    }
}

/// Why a text is no query.
package struct PromQLError: Error, Equatable, CustomStringConvertible {
    /// Finishes "could not be read: …".
    package let description: String
    /// The byte at which reading stopped.
    package let offset: Int
}

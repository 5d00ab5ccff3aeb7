// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Reads PromQL by its grammar of precedences. Types of values are not checked: Prometheus does that.
package struct Parser {
    /// Longer texts are no queries.
    package static let maxBytes = 65_536
    /// More brackets inside each other, or operators in one query, would be a tree that is too high to walk.
    package static let maxDepth = 200
    package static let maxOperators = 1000

    private let tokens: [Token]
    private var place = 0
    private var depth = 0
    private var operators = 0

    private init(_ bytes: [UInt8]) { tokens = Lexer.tokens(of: bytes) }

    /// The one query that the text is.
    package static func parse(_ bytes: [UInt8]) throws(PromQLError) -> Expression {
        try checkSize(bytes)
        var parser = Parser(bytes)
        let found = try parser.expression(1)
        guard parser.token.kind == .end else { throw parser.unexpected("the end of the query") }
        return found
    }

    /// Several queries, one behind the other, each beginning on a line of its own; behind a mistake reading goes on with the next line.
    package static func parseAll(_ bytes: [UInt8]) -> (queries: [Expression], errors: [PromQLError]) {
        do throws(PromQLError) { try checkSize(bytes) } catch { return ([], [error]) }
        var parser = Parser(bytes)
        var queries: [Expression] = []
        var errors: [PromQLError] = []
        while parser.token.kind != .end {
            (parser.depth, parser.operators) = (0, 0)
            do throws(PromQLError) {
                let found = try parser.expression(1)
                guard parser.token.kind == .end || parser.token.startsLine else {
                    throw parser.unexpected("an operator, or a query on a line of its own")
                }
                queries.append(found)
            } catch {
                errors.append(error)
                repeat { parser.place += 1 } while parser.token.kind != .end && !parser.token.startsLine
            }
        }
        return (queries, errors)
    }

    private static func checkSize(_ bytes: [UInt8]) throws(PromQLError) {
        guard bytes.count <= maxBytes else { throw PromQLError(description: "it is longer than \(maxBytes) bytes", offset: 0) }
    }

    // MARK: Tokens.

    private var token: Token { tokens[min(place, tokens.count - 1)] }
    private var following: Token { tokens[min(place + 1, tokens.count - 1)] }
    private var end: Int { place == 0 ? 0 : tokens[min(place, tokens.count) - 1].range.upperBound }

    private func unexpected(_ wanted: String) -> PromQLError {
        if case .bad(let message) = token.kind { return PromQLError(description: message, offset: token.range.lowerBound) }
        let found = token.kind == .end ? "the end" : "something else"
        return PromQLError(description: "expected \(wanted), found \(found)", offset: token.range.lowerBound)
    }

    private func isSign(_ text: String) -> Bool { token.kind == .sign(text) }

    private mutating func take(_ sign: String) throws(PromQLError) {
        guard isSign(sign) else { throw unexpected("'\(sign)'") }
        place += 1
    }

    private var word: String? { if case .identifier(let word) = token.kind { word.lowercased() } else { nil } }

    // MARK: Expressions.

    /// What binds two operands, with how tightly.
    private var operation: (text: String, precedence: Int)? {
        switch token.kind {
        case .sign("+"), .sign("-"): (signText, 4)
        case .sign("*"), .sign("/"), .sign("%"): (signText, 5)
        case .sign("^"): ("^", 6)
        case .sign("=="), .sign("!="), .sign("<"), .sign("<="), .sign(">"), .sign(">="): (signText, 3)
        case .identifier(let word):
            switch word.lowercased() {
            case "or": ("or", 1)
            case "and", "unless": (word.lowercased(), 2)
            case "atan2": ("atan2", 5)
            default: nil
            }
        default: nil
        }
    }

    private var signText: String { if case .sign(let text) = token.kind { text } else { "" } }

    private mutating func expression(_ minimum: Int) throws(PromQLError) -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maxDepth else {
            throw PromQLError(description: "it is nested deeper than \(Self.maxDepth)", offset: token.range.lowerBound)
        }
        var left = try unary()
        while let (text, precedence) = operation, precedence >= minimum {
            operators += 1
            guard operators <= Self.maxOperators else {
                throw PromQLError(description: "it has more than \(Self.maxOperators) operators", offset: token.range.lowerBound)
            }
            let name = Expression.Name(text: text, range: token.range)
            place += 1
            let labels = try matching()
            // `^` alone binds to the right.
            let right = try expression(precedence == 6 ? 6 : precedence + 1)
            left = .binary(Expression.Binary(operation: name, left: left, right: right, labels: labels))
        }
        return left
    }

    private mutating func unary() throws(PromQLError) -> Expression {
        guard isSign("-") || isSign("+") else { return try postfix() }
        let (start, isNegative) = (token.range.lowerBound, isSign("-"))
        place += 1
        let operand = try expression(6)
        return isNegative ? .negative(operand, start..<operand.range.upperBound) : operand
    }

    /// `bool`, `on (…)`, `group_left (…)` behind an operator.
    private mutating func matching() throws(PromQLError) -> [Expression.Name] {
        var labels: [Expression.Name] = []
        while let word {
            switch word {
            case "bool": place += 1
            case "on", "ignoring":
                guard following.kind == .sign("(") else { return labels }
                place += 1
                labels += try labelList()
            case "group_left", "group_right":
                place += 1
                if isSign("(") { labels += try labelList() }
            default: return labels
            }
        }
        return labels
    }

    private mutating func labelList() throws(PromQLError) -> [Expression.Name] {
        try take("(")
        var labels: [Expression.Name] = []
        while !isSign(")") {
            switch token.kind {
            case .identifier(let text), .text(let text): labels.append(Expression.Name(text: text, range: token.range))
            case .variable: break
            default: throw unexpected("a label")
            }
            place += 1
            if isSign(",") { place += 1 } else if !isSign(")") { throw unexpected("',' or ')'") }
        }
        place += 1
        return labels
    }

    /// An operand and what may stand behind it: a range, `offset`, `@`.
    private mutating func postfix() throws(PromQLError) -> Expression {
        let operand = try primary()
        while true {
            if isSign("[") {
                while !isSign("]") {
                    if token.kind == .end { throw unexpected("']'") }
                    place += 1
                }
                place += 1
            } else if word == "offset" {
                place += 1
                if isSign("-") { place += 1 }
                switch token.kind {
                case .duration, .number, .variable: place += 1
                default: throw unexpected("a duration")
                }
            } else if isSign("@") {
                place += 1
                if isSign("-") { place += 1 }
                _ = try primary()
            } else {
                return operand
            }
        }
    }

    private mutating func primary() throws(PromQLError) -> Expression {
        let start = token.range.lowerBound
        switch token.kind {
        case .number(let value):
            place += 1
            return .number(value, start..<end)
        case .text:
            place += 1
            return .text(start..<end)
        case .duration:
            place += 1
            return .variable(start..<end)
        case .sign("("):
            place += 1
            let inner = try expression(1)
            try take(")")
            return .group(inner, start..<end)
        case .sign("{"): return try selector(nil, start)
        case .variable:
            let name = Expression.Name(text: "$", range: token.range)
            place += 1
            if isSign("(") { return try call(name) }
            if isSign("{") { return try selector(nil, start) }
            return .variable(start..<end)
        case .identifier(let text):
            let name = Expression.Name(text: text, range: token.range)
            place += 1
            if isSign("(") { return try call(name) }
            if let word, word == "by" || word == "without", following.kind == .sign("(") { return try call(name) }
            if ["inf", "nan"].contains(text.lowercased()), !isSign("{") {
                return .number(text.lowercased() == "inf" ? .infinity : .nan, start..<end)
            }
            return try selector(name, start)
        default: throw unexpected("a metric, a number, a function or '('")
        }
    }

    /// Behind the name: `by (…)`, the arguments, or the other way round.
    private mutating func call(_ name: Expression.Name) throws(PromQLError) -> Expression {
        var found = Expression.Call(name: name, range: name.range)
        found.labels += try grouping()
        try take("(")
        while !isSign(")") {
            found.arguments.append(try expression(1))
            if isSign(",") { place += 1 } else if !isSign(")") { throw unexpected("',' or ')'") }
        }
        place += 1
        found.labels += try grouping()
        found.range = name.range.lowerBound..<end
        return .call(found)
    }

    private mutating func grouping() throws(PromQLError) -> [Expression.Name] {
        guard let word, word == "by" || word == "without", following.kind == .sign("(") else { return [] }
        place += 1
        return try labelList()
    }

    /// The matchers in braces, if there are any.
    private mutating func selector(_ name: Expression.Name?, _ start: Int) throws(PromQLError) -> Expression {
        var found = Expression.Selector(name: name, range: start..<max(start, end))
        guard isSign("{") else { return .selector(found) }
        place += 1
        while !isSign("}") {
            let label: Expression.Name
            switch token.kind {
            case .identifier(let text), .text(let text): label = Expression.Name(text: text, range: token.range)
            default: throw unexpected("a label")
            }
            let isText = if case .text = token.kind { true } else { false }
            place += 1
            if isText, isSign(",") || isSign("}") {
                // A metric's name in quotes, as OpenTelemetry's dots need it.
                found.name = label
            } else {
                try matcher(label, &found)
            }
            if isSign(",") { place += 1 } else if !isSign("}") { throw unexpected("',' or '}'") }
        }
        place += 1
        found.range = start..<end
        return .selector(found)
    }

    private mutating func matcher(_ label: Expression.Name, _ found: inout Expression.Selector) throws(PromQLError) {
        guard case .sign(let operation) = token.kind, ["=", "!=", "=~", "!~"].contains(operation) else { throw unexpected("'=', '!=', '=~' or '!~'") }
        place += 1
        guard case .text(let value) = token.kind else { throw unexpected("a text in quotes") }
        if label.text == "__name__", operation == "=" { found.name = Expression.Name(text: value, range: token.range) }
        found.matchers.append(Expression.Matcher(label: label, operation: operation, value: value))
        place += 1
    }
}

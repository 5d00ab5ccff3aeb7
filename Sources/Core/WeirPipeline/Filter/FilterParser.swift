// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Patterns
internal import WeirKit

/// Recursive descent over the words of a filter: `or` binds less than `and`, `and` less than `not`.
struct FilterParser {
    private let tokens: [FilterToken]
    private let catalog: Catalog
    private var index = 0
    private var depth = 0
    /// The evaluation keeps one bit per level (FilterProgram), and recursion must end somewhere.
    private static let maxDepth = 24
    private static let maxTokens = 4096

    init(_ text: String, _ catalog: Catalog) throws(FilterError) {
        tokens = try FilterLexer.tokens(text)
        self.catalog = catalog
        guard tokens.count <= Self.maxTokens else { throw FilterError("a filter has at most \(Self.maxTokens) words", tokens[Self.maxTokens].column) }
    }

    private var token: FilterToken { tokens[index] }

    private mutating func accept(_ word: String) -> Bool {
        guard token.kind == .word(word) || token.kind == .symbol(word) else { return false }
        index += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(FilterError) {
        guard accept(symbol) else { throw FilterError("expected '\(symbol)', found \(token.shown)", token.column) }
    }

    mutating func parse() throws(FilterError) -> Filter.Node {
        let node = try disjunction()
        guard token.kind == .end else { throw FilterError("expected 'and', 'or' or the end, found \(token.shown)", token.column) }
        return node
    }

    private mutating func disjunction() throws(FilterError) -> Filter.Node {
        var node = try conjunction()
        while accept("or") { node = .or(node, try conjunction()) }
        return node
    }

    private mutating func conjunction() throws(FilterError) -> Filter.Node {
        var node = try negation()
        while accept("and") { node = .and(node, try negation()) }
        return node
    }

    private mutating func negation() throws(FilterError) -> Filter.Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maxDepth else { throw FilterError("nested deeper than \(Self.maxDepth) levels", token.column) }
        if accept("not") { return .not(try negation()) }
        if accept("(") {
            let node = try disjunction()
            try expect(")")
            return node
        }
        return try comparison()
    }

    private mutating func comparison() throws(FilterError) -> Filter.Node {
        let (subject, column) = try subject()
        let negated = accept("not")
        let operatorToken = token
        index += 1
        let node: Filter.Node
        switch operatorToken.kind {
        case .symbol("=="): node = .test(try values(subject, column, [try value()]))
        case .symbol("!="): node = .not(.test(try values(subject, column, [try value()])))
        case .word("in"): node = .test(try values(subject, column, try list()))
        case .symbol("~"): node = .test(.glob(try textual(subject, operatorToken), Glob(try pattern())))
        case .symbol("=~"):
            let attribute = try textual(subject, operatorToken)
            let at = token.column
            do { node = .test(.regex(attribute, try Pattern(try pattern()))) } catch let error as FilterError { throw error } catch {
                throw FilterError("this is no regular expression: \(error)", at)
            }
        case .symbol("<"): node = .test(try order(subject, .less, operatorToken))
        case .symbol("<="): node = .test(try order(subject, .lessOrEqual, operatorToken))
        case .symbol(">"): node = .test(try order(subject, .greater, operatorToken))
        case .symbol(">="): node = .test(try order(subject, .greaterOrEqual, operatorToken))
        default:
            throw FilterError(
                "expected a comparison (==, !=, <, <=, >, >=, in, ~, =~) after \(subject.name), found \(operatorToken.shown)", operatorToken.column)
        }
        if negated, operatorToken.kind != .word("in") {
            throw FilterError("'not' stands before the whole comparison, or in 'not in'", operatorToken.column)
        }
        return negated ? .not(node) : node
    }

    private mutating func subject() throws(FilterError) -> (Filter.Subject, Int) {
        guard case .word(let name) = token.kind else {
            throw FilterError("expected an attribute such as src.zone, found \(token.shown)", token.column)
        }
        defer { index += 1 }
        switch name {
        case "bytes": return (.bytes, token.column)
        case "packets": return (.packets, token.column)
        default:
            guard let attribute = catalog.named(name) else { throw FilterError(catalog.unknown(name), token.column) }
            return (.attribute(attribute), token.column)
        }
    }

    private mutating func value() throws(FilterError) -> FilterToken {
        defer { index += 1 }
        switch token.kind {
        case .word, .text: return token
        default: throw FilterError("expected a value, found \(token.shown)", token.column)
        }
    }

    /// `[a, b]`, or one value such as a CIDR.
    private mutating func list() throws(FilterError) -> [FilterToken] {
        guard accept("[") else { return [try value()] }
        var found = [try value()]
        while accept(",") { found.append(try value()) }
        try expect("]")
        return found
    }

    private mutating func pattern() throws(FilterError) -> String {
        guard case .text(let text) = token.kind else {
            throw FilterError("expected a pattern in double quotes, found \(token.shown)", token.column)
        }
        index += 1
        return text
    }

    private func textual(_ subject: Filter.Subject, _ at: FilterToken) throws(FilterError) -> SelectedAttribute {
        guard case .attribute(let attribute) = subject, !FilterTyping.isNumber(attribute), attribute.attribute != .address else {
            throw FilterError("\(at.shown) compares texts, and \(subject.name) is none", at.column)
        }
        return attribute
    }

    private mutating func order(_ subject: Filter.Subject, _ comparison: Filter.Comparison, _ at: FilterToken) throws(FilterError) -> Filter.Test {
        guard FilterTyping.isNumber(subject) else { throw FilterError("\(at.shown) compares numbers, and \(subject.name) is none", at.column) }
        return .number(subject, comparison, try FilterTyping.number(try value(), for: subject))
    }

    private func values(_ subject: Filter.Subject, _ column: Int, _ tokens: [FilterToken]) throws(FilterError) -> Filter.Test {
        if FilterTyping.isNumber(subject) {
            var numbers: Set<UInt64> = []
            for token in tokens { numbers.insert(try FilterTyping.number(token, for: subject)) }
            return .numbers(subject, numbers)
        }
        guard case .attribute(let attribute) = subject else { preconditionFailure("bytes and packets are numbers") }
        if attribute.attribute == .address, let end = attribute.end {
            var ranges: [CIDR] = []
            for token in tokens { ranges.append(try FilterTyping.range(token)) }
            return .addresses(end, ranges)
        }
        var texts: Set<String> = []
        for token in tokens { texts.insert(try FilterTyping.text(token, for: attribute)) }
        return .texts(attribute, texts)
    }
}

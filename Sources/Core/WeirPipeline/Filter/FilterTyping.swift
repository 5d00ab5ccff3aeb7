// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Which values fit which attribute, so that a filter that could never match is an error, not a silence.
enum FilterTyping {
    static func isNumber(_ attribute: SelectedAttribute) -> Bool { Column(builtIn: attribute.attribute)?.isNumber ?? false }

    static func isNumber(_ subject: Filter.Subject) -> Bool {
        if case .attribute(let attribute) = subject { isNumber(attribute) } else { true }
    }

    static func number(_ token: FilterToken, for subject: Filter.Subject) throws(FilterError) -> UInt64 {
        guard case .word(let word) = token.kind else {
            throw FilterError("\(subject.name) is a number: write \(token.shown) without quotes", token.column)
        }
        if let number = UInt64(word) { return number }
        if let size = ByteCount(configText: word), subject == .bytes { return UInt64(size.bytes) }
        throw FilterError("\(token.shown) is not a number, and \(subject.name) is one", token.column)
    }

    static func range(_ token: FilterToken) throws(FilterError) -> CIDR {
        guard case .word(let text) = token.kind.unquoted, let range = CIDR(text) else {
            throw FilterError("\(token.shown) is not \(CIDR.example)", token.column)
        }
        return range
    }

    static func text(_ token: FilterToken, for attribute: SelectedAttribute) throws(FilterError) -> String {
        guard case .text(let text) = token.kind else {
            throw FilterError("texts stand in double quotes: write \"\(token.bare)\"", token.column)
        }
        if let known = Column(builtIn: attribute.attribute)?.words, !known.contains(text) {
            throw FilterError(
                "\(attribute.name) is never \"\(text)\"\(Suggestion.suffix(for: text, among: known)) (it is one of \(known.joined(separator: ", ")))",
                token.column)
        }
        return text
    }
}

extension FilterToken {
    var bare: String {
        switch kind {
        case .word(let word), .text(let word): word
        default: shown
        }
    }
}

extension FilterToken.Kind {
    /// Addresses may stand with or without quotes.
    var unquoted: Self { if case .text(let text) = self { .word(text) } else { self } }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The words of a filter, each with the column where it stands (from 1, in characters).
struct FilterToken: Equatable {
    enum Kind: Equatable {
        /// An attribute, a keyword, a number or an address: what stands without quotes.
        case word(String)
        /// What stands in quotes, escapes resolved.
        case text(String)
        case symbol(String)
        case end
    }

    let kind: Kind
    let column: Int

    /// The token as an error message says it.
    var shown: String {
        switch kind {
        case .word(let word): "'\(word)'"
        case .text(let text): "\"\(text)\""
        case .symbol(let symbol): "'\(symbol)'"
        case .end: "the end of the filter"
        }
    }
}

/// What is wrong with a filter, and where in it.
package struct FilterError: Error, Equatable {
    package let message: String
    package let column: Int

    init(_ message: String, _ column: Int) {
        self.message = message
        self.column = column
    }
}

enum FilterLexer {
    private static let symbols = ["==", "!=", "<=", ">=", "=~", "<", ">", "~", "(", ")", "[", "]", ","]

    static func tokens(_ filter: String) throws(FilterError) -> [FilterToken] {
        let characters = Array(filter)
        var tokens: [FilterToken] = []
        var index = 0
        while index < characters.count {
            let character = characters[index]
            let column = index + 1
            if character.isWhitespace {
                index += 1
            } else if character == "\"" || character == "'" {
                tokens.append(FilterToken(kind: .text(try quoted(characters, &index)), column: column))
            } else if isWordStart(character) {
                let start = index
                while index < characters.count, isWord(characters[index]) { index += 1 }
                tokens.append(FilterToken(kind: .word(String(characters[start..<index])), column: column))
            } else if let symbol = symbols.first(where: { characters[index...].starts(with: $0) }) {
                tokens.append(FilterToken(kind: .symbol(symbol), column: column))
                index += symbol.count
            } else {
                throw FilterError(hint(characters, index), column)
            }
        }
        return tokens + [FilterToken(kind: .end, column: characters.count + 1)]
    }

    private static func hint(_ characters: [Character], _ index: Int) -> String {
        switch characters[index] {
        case "=": "'=' is no comparison; did you mean '=='?"
        case "&": "'&' is not known here; write 'and'"
        case "|": "'|' is not known here; write 'or'"
        case "!": "'!' stands only in '!='; write 'not' before a comparison"
        default: "'\(characters[index])' is not known here; texts stand in double quotes"
        }
    }

    private static func quoted(_ characters: [Character], _ index: inout Int) throws(FilterError) -> String {
        let quote = characters[index]
        let start = index
        index += 1
        var text = ""
        while index < characters.count {
            let character = characters[index]
            index += 1
            if character == quote { return text }
            // Only the quote and the backslash itself are escaped, so that regular expressions stay as they are.
            if character == "\\", index < characters.count, characters[index] == quote || characters[index] == "\\" {
                text.append(characters[index])
                index += 1
            } else {
                text.append(character)
            }
        }
        throw FilterError("this text has no closing \(quote)", start + 1)
    }

    private static func isWordStart(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == ":" || character == "_")
    }

    /// Dots for attributes, colons and slashes for addresses and ranges.
    private static func isWord(_ character: Character) -> Bool {
        isWordStart(character) || character == "." || character == "/" || character == "-"
    }
}

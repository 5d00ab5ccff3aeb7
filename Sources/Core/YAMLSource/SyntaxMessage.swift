// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// libyaml's problems in words for the person who wrote the file; what the table does not know stays libyaml's.
enum SyntaxMessage {
    /// Where to look. libyaml notices an open quote at the end of the file, far from where it opens.
    static func place(_ failure: EventReader.Failure, file: String, in bytes: [UInt8]) -> ConfigPosition {
        switch failure.place {
        case .byte(let offset): YAMLSource.position(of: offset, in: bytes, file: file)
        case .mark where failure.problem == "found unexpected end of stream" && failure.contextLine > 0:
            ConfigPosition(file: file, line: failure.contextLine, column: failure.contextColumn)
        case .mark(let line, let column): ConfigPosition(file: file, line: line, column: column)
        }
    }

    static func text(_ failure: EventReader.Failure, at place: ConfigPosition, in bytes: [UInt8]) -> String {
        let began = failure.contextLine > 0 ? "line \(failure.contextLine), column \(failure.contextColumn)" : "the start"
        switch failure.problem {
        case "mapping values are not allowed in this context":
            return "no ':' is expected here: is the line above indented right, or does a value with ': ' lack its quotes?"
        case "found character that cannot start any token":
            return cannotStart(at: place, in: bytes)
        case "found a tab character that violates indentation", "found a tab character where an indentation space is expected":
            return "a tab cannot indent YAML: use spaces"
        case "did not find expected key":
            return "expected a key of the mapping that begins at \(began): is the indentation right?"
        case "did not find expected '-' indicator":
            return "expected '-', the next item of the list that begins at \(began): is the indentation right?"
        case "did not find expected ',' or ']'":
            return "expected ',' or ']': the list that opens at \(began) is not closed"
        case "did not find expected ',' or '}'":
            return "expected ',' or '}': the mapping that opens at \(began) is not closed"
        case "could not find expected ':'":
            return "expected ':' behind the key that begins at \(began)"
        case "found unexpected end of stream":
            return "the quote that opens here is not closed"
        case "did not find expected node content":
            return "expected a value here; one that begins with ':', as ::/0 does, needs quotes"
        case "found unexpected ':'":
            return "a value that ends in ':' needs quotes here"
        case "did not find expected <document start>":
            return "expected the end of the file: this does not belong to what stands above"
        case "found unknown escape character":
            return "unknown escape in a text in double quotes: write \\\\ for a backslash, or use single quotes"
        case "control characters are not allowed":
            return "a control character is not allowed in YAML"
        default:
            return failure.context.map { "\(failure.problem) (\($0) from \(began))" } ?? failure.problem
        }
    }

    /// `@`, `` ` `` and `%` are reserved; a tab in front of a key is the commonest slip.
    private static func cannotStart(at place: ConfigPosition, in bytes: [UInt8]) -> String {
        let line = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: place.line, omittingEmptySubsequences: false)
        guard line.indices.contains(place.line - 1) else { return "a value cannot begin here" }
        let text = String(decoding: line[place.line - 1], as: UTF8.self).unicodeScalars
        guard let scalar = text.dropFirst(place.column - 1).first else { return "a value cannot begin here" }
        return scalar == "\t" ? "a tab cannot indent YAML: use spaces" : "a value cannot begin with '\(scalar)': put it in quotes"
    }
}

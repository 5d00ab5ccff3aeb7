// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Problems as the user sees them: where, what, the line, a caret.
enum ProblemReport {
    /// Of a long line, what stands around the problem.
    private static let widest = 160
    /// Of a long message, its beginning: it may quote what the user wrote.
    private static let longest = 600

    static func text(_ problems: [ConfigProblem], _ texts: SourceTexts) -> String {
        problems.map { text($0, texts) }.joined()
    }

    static func text(_ problem: ConfigProblem, _ texts: SourceTexts) -> String {
        text("error", problem.message, at: problem.position, texts)
    }

    /// `kind` is `error` or `warning`.
    static func text(_ kind: String, _ message: String, at position: ConfigPosition, _ texts: SourceTexts) -> String {
        var report = "\(printable(position.description)): \(kind): \(shortened(printable(message)))\n"
        guard let line = texts.line(position.line, of: position.file) else { return report }
        // Columns count characters, and so does this: one scalar in, one scalar out.
        let scalars = Array(line.unicodeScalars)
        let column = min(max(position.column - 1, 0), scalars.count)
        let start = scalars.count <= widest ? 0 : max(0, min(column - widest / 2, scalars.count - widest))
        let shown = printable(String(String.UnicodeScalarView(scalars[start...].prefix(widest))))
        if shown.allSatisfy({ $0 == " " }) { return report }
        let number = "\(position.line)"
        report += "  \(number) | \(shown)\n"
        report += "  \(String(repeating: " ", count: number.count)) | \(String(repeating: " ", count: column - start))^\n"
        return report
    }

    /// What a terminal may be sent: a tab as one space, any other control character as `?`, and no character that
    /// changes the direction of text.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control: scalar == "\t" ? " " : "?"
                    case .format, .lineSeparator, .paragraphSeparator: "?"
                    default: scalar
                    }
                }))
    }

    private static func shortened(_ text: String) -> String {
        text.count <= longest ? text : "\(text.prefix(longest))…"
    }
}

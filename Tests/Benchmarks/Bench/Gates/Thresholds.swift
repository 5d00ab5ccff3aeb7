// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// The accepted values of what does not depend on the machine's load; in Git, one line per figure:
///
///     # figure                                accepted  tolerance  unit
///     pipeline.instructions                        738         5%  instructions/flow
///
/// A figure may be below its value; above it by more than the tolerance it fails `make gates`.
package struct Thresholds {
    package struct Line: Equatable {
        /// One word, dots between its parts: `pipeline.instructions`.
        package var figure: String
        package var accepted: Double
        /// In percent.
        package var tolerance: Double
        package var unit: String

        package var limit: Double { accepted * (1 + tolerance / 100) }
    }

    package private(set) var lines: [Line] = []
    /// The path for messages.
    package let file: String

    package static let path = "Tests/Benchmarks/thresholds"

    /// Reads the text of the file; every mistake at once.
    package init(_ text: String, file: String) throws(Unreadable) {
        self.file = file
        var mistakes: [String] = []
        for (number, row) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if row.isEmpty || row.hasPrefix("#") { continue }
            let words = row.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
            let place = "\(file):\(number + 1):1"
            guard words.count == 4, let accepted = Double(words[1]), words[2].hasSuffix("%"), let tolerance = Double(words[2].dropLast()),
                accepted >= 0, tolerance >= 0, accepted.isFinite, tolerance.isFinite
            else {
                mistakes.append("\(place): expected 'figure accepted tolerance% unit', found '\(row)'")
                continue
            }
            if lines.contains(where: { $0.figure == words[0] }) {
                mistakes.append("\(place): \(words[0]) stands there twice")
                continue
            }
            lines.append(Line(figure: words[0], accepted: accepted, tolerance: tolerance, unit: words[3]))
        }
        guard mistakes.isEmpty else { throw Unreadable(description: mistakes.joined(separator: "\n")) }
    }

    package static func read(_ path: String) throws -> Thresholds {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw Unreadable(description: "\(path): could not be read; 'make bench-record' writes it")
        }
        return try Thresholds(text, file: path)
    }

    package subscript(figure: String) -> Line? { lines.first { $0.figure == figure } }

    /// The file's text, the comments made anew.
    package var text: String {
        var text = """
            # What is accepted of the figures that do not depend on the machine's load. 'make gates' compares, 'make bench-record'
            # writes the values anew: for a change that is meant, in the commit that makes it. See Tests/Benchmarks/README.md.
            #
            # figure                                          accepted  tolerance  unit

            """
        for line in lines {
            let tolerance = "\(Self.short(line.tolerance))%"
            text +=
                "\(line.figure.padded(to: 46)) \(Self.short(line.accepted).padded(to: 11, left: true)) \(tolerance.padded(to: 10, left: true))  \(line.unit)\n"
        }
        return text
    }

    /// Accepts what was measured; the tolerance of a figure that is known stays.
    package mutating func accept(_ gauge: Gauge) {
        // Upwards: what was accepted just now must pass.
        let accepted = (gauge.value * 10).rounded(.up) / 10
        if let index = lines.firstIndex(where: { $0.figure == gauge.figure }) {
            lines[index].accepted = accepted
            lines[index].unit = gauge.unit
        } else {
            lines.append(Line(figure: gauge.figure, accepted: accepted, tolerance: gauge.tolerance, unit: gauge.unit))
        }
        lines.sort { $0.figure < $1.figure }
    }

    /// What is wrong with the measured value; nil when it is accepted.
    package func complaint(_ gauge: Gauge) -> String? {
        guard let line = self[gauge.figure] else {
            return "\(gauge.figure): no accepted value in \(file); run 'make bench-record' and commit the file"
        }
        guard gauge.value > line.limit else { return nil }
        let found = "\(Self.short((gauge.value * 10).rounded() / 10)) \(gauge.unit)"
        let more = line.accepted == 0 ? "instead of" : "\(Self.short(((gauge.value / line.accepted - 1) * 1000).rounded() / 10)) % more than"
        return "\(gauge.figure): \(found), \(more) the accepted \(Self.short(line.accepted)) "
            + "(tolerance \(Self.short(line.tolerance)) %); if this is meant, run 'make bench-record' and commit \(file)"
    }

    /// What is wrong with the lines of figures that were not among the measured: they guard nothing and look as if they did.
    package func complaints(unlessIn measured: Set<String>) -> [String] {
        lines.filter { !measured.contains($0.figure) }.map {
            "\(file): no gate measures \($0.figure) any longer; run 'make bench-record', which takes the line out, and commit \(file)"
        }
    }

    /// Takes the lines of such figures out; their names.
    package mutating func forget(unlessIn measured: Set<String>) -> [String] {
        let stale = lines.map(\.figure).filter { !measured.contains($0) }
        lines.removeAll { !measured.contains($0.figure) }
        return stale
    }

    package static func short(_ value: Double) -> String { value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : String(value) }
}

/// A file that is not as it should be: lines of `file:line:column: what was expected`.
package struct Unreadable: Error, CustomStringConvertible {
    package var description: String
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// All that was measured, as one table or as JSON.
package struct Report {
    package struct Part {
        package var section: String
        package var abstract: String
        package var figures: [Figure] = []
        /// Why nothing, or not all, was measured.
        package var skipped: String?

        package init(section: String, abstract: String) {
            self.section = section
            self.abstract = abstract
        }
    }

    package var machine: [(name: String, value: String)]
    package var parts: [Part] = []

    package init(machine: [(name: String, value: String)]) { self.machine = machine }

    /// One line of the table; written as soon as its figure is known.
    package static func line(_ figure: Figure) -> String {
        var line = "  \(figure.name.padded(to: 52)) \(number(figure.median).padded(to: 10, left: true)) \(figure.unit.padded(to: 12))"
        if figure.samples.count > 1 { line += " \(number(figure.range.lowerBound)) … \(number(figure.range.upperBound)) (\(figure.samples.count))" }
        switch figure.target {
        case .atMost(let limit): line += "  wanted ≤ \(number(limit)): "
        case .atLeast(let limit): line += "  wanted ≥ \(number(limit)): "
        case nil: break
        }
        if let target = figure.target { line += target.isMet(by: figure.median) ? "met" : "MISSED" }
        return figure.remark.isEmpty ? line : line + "  \(figure.remark)"
    }

    package var json: String {
        func text(_ value: String) -> String {
            var quoted = "\""
            for scalar in value.unicodeScalars {
                switch scalar {
                case "\"": quoted += "\\\""
                case "\\": quoted += "\\\\"
                case "\n": quoted += "\\n"
                case "\u{0}"..."\u{1F}": quoted += "\u{FFFD}"
                default: quoted.unicodeScalars.append(scalar)
                }
            }
            return quoted + "\""
        }
        func object(_ fields: [(String, String)]) -> String { "{" + fields.map { "\(text($0.0)):\($0.1)" }.joined(separator: ",") + "}" }
        func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }
        func figure(_ figure: Figure) -> String {
            var fields = [
                ("name", text(figure.name)), ("unit", text(figure.unit)), ("median", String(figure.median)),
                ("min", String(figure.range.lowerBound)), ("max", String(figure.range.upperBound)),
                ("samples", list(figure.samples.map { String($0) })),
            ]
            switch figure.target {
            case .atMost(let limit): fields += [("at_most", String(limit)), ("met", String(figure.median <= limit))]
            case .atLeast(let limit): fields += [("at_least", String(limit)), ("met", String(figure.median >= limit))]
            case nil: break
            }
            if !figure.remark.isEmpty { fields.append(("remark", text(figure.remark))) }
            return object(fields)
        }
        func part(_ part: Part) -> String {
            var fields = [("section", text(part.section)), ("abstract", text(part.abstract)), ("figures", list(part.figures.map(figure)))]
            if let skipped = part.skipped { fields.append(("skipped", text(skipped))) }
            return object(fields)
        }
        return object([("machine", object(machine.map { ($0.name, text($0.value)) })), ("sections", list(parts.map(part)))]) + "\n"
    }
}

extension String {
    func padded(to width: Int, left: Bool = false) -> String {
        let padding = String(repeating: " ", count: max(0, width - count))
        return left ? padding + self : self + padding
    }
}

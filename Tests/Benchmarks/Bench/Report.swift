// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// All that was measured, as one table or as JSON.
struct Report {
    struct Part {
        var section: String
        var abstract: String
        var figures: [Figure] = []
        /// Why nothing, or not all, was measured.
        var skipped: String?
    }

    var machine: [(name: String, value: String)]
    var parts: [Part] = []

    /// One line of the table; written as soon as its figure is known.
    static func line(_ figure: Figure) -> String {
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

    /// Three significant digits and a word for thousands, as people compare them: `12.3 M`, `0.97`, `124`.
    static func number(_ value: Double) -> String {
        let size = value.magnitude
        for (unit, word) in [(1e9, " G"), (1e6, " M"), (1e4, " k")] where size >= unit { return digits(value / (word == " k" ? 1e3 : unit)) + word }
        return digits(value)
    }

    private static func digits(_ value: Double) -> String {
        let size = value.magnitude
        let decimals = value == value.rounded() && size < 1e4 ? 0 : size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let rounded = (value * scale).rounded() / scale
        guard decimals > 0 else { return String(Int(rounded)) }
        var text = String(rounded)
        // A Double prints the shortest text that is it; the table wants the same number of decimals everywhere.
        let places = text.split(separator: ".").last?.count ?? 0
        if places < decimals { text += String(repeating: "0", count: decimals - places) }
        return text
    }

    var json: String {
        func text(_ value: String) -> String {
            var quoted = "\""
            for scalar in value.unicodeScalars {
                switch scalar {
                case "\"": quoted += "\\\""
                case "\\": quoted += "\\\\"
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

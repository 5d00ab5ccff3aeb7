// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

extension Report {
    /// Three significant digits and a letter for thousands, as people compare them: `12.3 M`, `0.970`, `124`. Whole numbers below
    /// 10,000 stay as they are.
    package static func number(_ value: Double) -> String {
        guard value.isFinite else { return "\(value)" }
        if value == value.rounded(), value.magnitude < 1e4 { return String(Int(value)) }
        let units = [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")]
        // What rounds to the next unit is written in it: 999,960 is 1.00 M, not 1000 k.
        for (unit, word) in units where value.magnitude >= max(unit * 0.9995, 9999.5) { return digits(value / unit) + word }
        return digits(value)
    }

    /// With as many decimals as three significant digits need, but no more than six.
    private static func digits(_ value: Double) -> String {
        if value == value.rounded(), value.magnitude < 1000 { return String(Int(value)) }
        var decimals = 0
        var scale = 1.0
        while decimals < 6, value.magnitude * scale < 99.95 {
            decimals += 1
            scale *= 10
        }
        let scaled = (value.magnitude * scale).rounded()
        guard scaled < 1e18 else { return "\(value)" }
        let sign = value < 0 && scaled > 0 ? "-" : ""
        let text = String(Int(scaled))
        if decimals == 0 { return sign + text }
        let padded = String(repeating: "0", count: max(0, decimals + 1 - text.count)) + text
        return "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// How names of OpenTelemetry style become Prometheus': dots to underscores, the unit behind, counters end in `_total`.
package enum PrometheusName {
    /// `weir.network.flow.bytes` in bytes is `weir_network_flow_bytes`: the family's name, which has no `_total` yet.
    package static func family(_ name: String, unit: String) -> String {
        var text = mapped(name)
        if text.hasSuffix("_total") { text.removeLast(6) }
        // `{packet}` counts things: the name says which. Only bytes are a unit here.
        if unit == "By", !text.hasSuffix("_bytes") { text += "_bytes" }
        return text
    }

    /// One label name per attribute, in their order. Two attributes that would share a name (`src.a_b`, `src.a.b`) stay
    /// two labels: the later one gets `_2`, and so on. Names are attributes of the configuration, so the number is stable.
    package static func labels(_ attributes: [String]) -> [String] {
        var names: [String] = []
        for attribute in attributes {
            var name = mapped(attribute)
            // A label may not start with a digit, and `__` is Prometheus' own.
            if name.isEmpty || name.utf8.first.map(isDigit) == true { name = "_" + name }
            if name.hasPrefix("__") { name = "x" + name }
            names.append(unique(name) { names.contains($0) })
        }
        return names
    }

    /// `name`, or with the first number behind it that is free.
    package static func unique(_ name: String, isTaken: (String) -> Bool) -> String {
        guard isTaken(name) else { return name }
        var number = 2
        while isTaken("\(name)_\(number)") { number += 1 }
        return "\(name)_\(number)"
    }

    /// Everything but letters and digits of ASCII becomes an underscore, per character.
    private static func mapped(_ text: String) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

/// Gives each metric of one page a family name of its own; the agent's own families come first.
package struct FamilyNames {
    private var taken: Set<String>

    package init(taken: [String]) {
        self.taken = Set(taken.map { $0.hasSuffix("_total") ? String($0.dropLast(6)) : $0 })
    }

    package mutating func name(for snapshot: MetricSnapshot) -> String {
        let name = PrometheusName.unique(PrometheusName.family(snapshot.name, unit: snapshot.unit)) { taken.contains($0) }
        taken.insert(name)
        return name
    }
}

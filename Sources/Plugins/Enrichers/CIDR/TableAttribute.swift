// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Which attributes a table may hold.
enum TableAttribute {
    struct Problem: Error { let message: String }

    /// The built-in attribute of that name, or one of the user's own.
    static func named(_ key: String) -> Result<Attribute, Problem> {
        for prefix in ["src.", "dst.", "k8s.src.", "k8s.dst."] where key.hasPrefix(prefix) {
            let name = (prefix.hasPrefix("k8s.") ? "k8s." : "") + key.dropFirst(prefix.count)
            return .failure(Problem(message: "a table describes one end, whichever it is: write '\(name)' instead of '\(key)'"))
        }
        if key == Attribute.trafficScope.name {
            return .failure(Problem(message: "'traffic.scope' is decided for both ends; a table claims it for one with 'scope'"))
        }
        if key == Attribute.address.name || Attribute.builtIn.contains(where: { $0.subject == .flow && $0.name == key }) {
            return .failure(Problem(message: "'\(key)' is Weir's own: a table cannot fill it"))
        }
        guard isName(key) else {
            return .failure(Problem(message: "'\(key)' is no attribute name: small letters, digits, '_' and '.', a letter first, at most 64"))
        }
        return .success(
            Attribute.builtIn.first { $0.subject == .endpoint && $0.name == key } ?? .endpoint(key, "From a table of address ranges."))
    }

    private static func isName(_ key: String) -> Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = key.utf8.first, letters.contains(first), key.utf8.count <= 64 else { return false }
        return key.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The names that users may give to attributes of their own: columns of tables, labels of pods.
public enum UserAttribute {
    public struct Problem: Error {
        /// A sentence for people.
        public let message: String
    }

    /// What `_` and `.` make no difference to: metrics and filters take `src_owner_name` for `src.owner.name`.
    public static func normal(_ name: String) -> String { String(name.map { $0 == "_" ? "." : $0 }) }

    /// The built-in attribute of that name, or one of the user's own, with this help. `source` is what would fill it: `a table`.
    public static func named(_ key: String, of source: String, _ help: String) -> Result<Attribute, Problem> {
        let normal = normal(key)
        for prefix in ["src.", "dst.", "k8s.src.", "k8s.dst."] where normal.hasPrefix(prefix) {
            let name = (prefix.hasPrefix("k8s.") ? "k8s." : "") + key.dropFirst(prefix.count)
            return .failure(Problem(message: "\(source) describes one end, whichever it is: write '\(name)' instead of '\(key)'"))
        }
        if normal == Attribute.trafficScope.name {
            return .failure(Problem(message: "'\(key)' is decided for both ends; \(source) claims it for one with 'scope'"))
        }
        let flowNames = Attribute.builtIn.filter { $0.subject == .flow }.map(\.name)
        if normal == Attribute.address.name || flowNames.contains(normal) {
            return .failure(Problem(message: "'\(key)' is Weir's own: \(source) cannot fill it"))
        }
        if let taken = End.allCases.map({ "\($0.prefix).\(normal)" }).first(where: flowNames.contains) {
            return .failure(Problem(message: "'\(key)' would be '\(taken)' to metrics and filters, which is Weir's own: \(source) cannot fill it"))
        }
        guard isName(key) else {
            return .failure(Problem(message: "'\(key)' is no attribute name: small letters, digits, '_' and '.', a letter first, at most 64"))
        }
        return .success(Attribute.builtIn.first { $0.subject == .endpoint && $0.name == normal } ?? .endpoint(key, help))
    }

    private static func isName(_ key: String) -> Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = key.utf8.first, letters.contains(first), key.utf8.count <= 64 else { return false }
        return key.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
    }
}

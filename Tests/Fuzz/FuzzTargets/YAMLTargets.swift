// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit
internal import WeirPipeline
internal import YAMLSource

extension FuzzTarget {
    private static let words = [
        "- ", ": ", "{", "}", "[", "]", ", ", "\n", "\n  ", "? ", "\"", "'", "|\n", ">-\n", "&a", "*a", "!!str", "<<", "---\n", "...\n",
        "%YAML 1.1\n", "# ",
        "null", "~", "${NAME}", "${NAME:-x}", "$$", "\\x00", "\\u2028", "\t", "\r\n", "\u{85}", "\u{feff}",
    ]

    /// YAML: refused with exactly the place, or a tree that is read back the same from its plainest text, variables and all.
    static let yaml = FuzzTarget("yaml", words: words) { (bytes) throws(BrokenLaw) in
        let problems = ConfigProblems()
        let root = YAMLSource.parse(bytes, file: "a.yaml", problems: problems)
        try Places.check(problems, in: bytes)
        guard let root else { return try require(problems.count >= 1, "refused without a reason") }
        try require(problems.all.allSatisfy { $0.kind == .duplicateKey }, "a tree was made, and a problem noted that ends the reading")
        try require(root.depth <= YAMLSource.maxLevels + 1, "\(root.depth) levels")
        try readBack(root, root.flowText)

        let environment = ["NAME": "a value", "EMPTY": "", "A_1": "$NAME ${NAME} $$"]
        let unset = ConfigProblems()
        _ = YAMLSource.expand(root, environment: environment, problems: unset)
        try Places.check(unset, in: bytes)
        let escaped = ConfigProblems()
        let same = YAMLSource.expand(root.escapingVariables, environment: environment, problems: escaped)
        try require(escaped.count == 0 && same.sameContent(as: root), "a text whose every $ is doubled was changed")
    }

    private static func readBack(_ root: ConfigNode, _ text: String) throws(BrokenLaw) {
        let problems = ConfigProblems()
        guard let again = YAMLSource.parse(Array(text.utf8), file: "b.yaml", problems: problems), problems.count == 0 else {
            throw BrokenLaw("its plainest text is refused: \(problems.all.first?.message ?? "")\n\(text)")
        }
        try require(again.sameContent(as: root), "its plainest text is another tree:\n\(text)")
    }

    /// Lists of hosts: each found is one address, and the list of what was found is read back the same.
    static let fileSD = FuzzTarget("file_sd", words: words + ["targets: ", "labels: ", "10.0.0.4:9100", "\"[2001:db8::4]:9100\"", "2001:db8::4"]) {
        (bytes) throws(BrokenLaw) in
        let problems = ConfigProblems()
        let hosts = FileSDList.read(bytes, file: "fleet.yaml", problems: problems)
        try Places.check(problems, in: bytes)
        for host in hosts { try require(host.prefixLength == host.address.bitWidth, "\(host) is more than one host") }
        let targets = hosts.map { $0.address.isIPv4 ? "\"\($0.address):1\"" : "\"[\($0.address)]:1\"" }.joined(separator: ", ")
        let again = ConfigProblems()
        let list = FileSDList.read(Array("[{ targets: [\(targets)] }]".utf8), file: "again.yaml", problems: again)
        try require(list == hosts && again.count == 0, "read back as another list")
    }
}

extension ConfigNode {
    /// The tree in YAML's plainest form: brackets, and every text in double quotes.
    fileprivate var flowText: String {
        switch content {
        case .scalar(let text): Self.quoted(text)
        case .list(let items): "[" + items.map(\.flowText).joined(separator: ", ") + "]"
        // `? ` because a key without it ends after 1024 characters.
        case .mapping(let entries): "{" + entries.map { "? \($0.key.flowText) : \($0.value.flowText)" }.joined(separator: ", ") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\" + String(scalar)
            case " "..."~": quoted.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }
        }
        return quoted + "\""
    }

    fileprivate var depth: Int {
        switch content {
        case .scalar: 1
        case .list(let items): 1 + (items.map(\.depth).max() ?? 0)
        case .mapping(let entries): 1 + (entries.map(\.value.depth).max() ?? 0)
        }
    }

    fileprivate var escapingVariables: ConfigNode {
        var node = self
        switch content {
        case .scalar(let text): node.content = .scalar(text.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$"))
        case .list(let items): node.content = .list(items.map(\.escapingVariables))
        case .mapping(let entries): node.content = .mapping(entries.map { Entry(key: $0.key, value: $0.value.escapingVariables) })
        }
        return node
    }

    /// The same texts in the same shape, wherever they stood.
    fileprivate func sameContent(as other: ConfigNode) -> Bool {
        switch (content, other.content) {
        case (.scalar(let a), .scalar(let b)): a.utf8.elementsEqual(b.utf8)
        case (.list(let a), .list(let b)): a.count == b.count && zip(a, b).allSatisfy { $0.sameContent(as: $1) }
        case (.mapping(let a), .mapping(let b)):
            a.count == b.count && zip(a, b).allSatisfy { $0.key.sameContent(as: $1.key) && $0.value.sameContent(as: $1.value) }
        default: false
        }
    }
}

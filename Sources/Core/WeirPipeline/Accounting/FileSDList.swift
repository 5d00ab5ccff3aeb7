// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit
internal import YAMLSource

/// Prometheus' `file_sd` format, JSON or YAML: a list of groups, each with `targets` (`host:port`) and `labels`.
package enum FileSDList {
    /// The addresses of all targets. A target that is a name is a problem: left out in silence, two agents would count its flows.
    package static func read(_ bytes: [UInt8], file: String, problems: ConfigProblems) -> [CIDR] {
        guard let root = YAMLSource.parse(bytes, file: file, problems: problems) else { return [] }
        var found: [CIDR] = []
        guard case .list(let groups) = root.content else {
            problems.note(.wrongShape, "expected a file_sd list of groups with targets, found \(root.kindName)", at: root.position)
            return []
        }
        for group in groups {
            guard case .mapping(let entries) = group.content, let targets = entries.first(where: { $0.key.text == "targets" })?.value,
                case .list(let items) = targets.content
            else {
                problems.note(.wrongShape, "expected a group with a list of targets, found \(group.kindName)", at: group.position)
                continue
            }
            for item in items {
                guard let target = item.text, let address = address(target), let host = CIDR(address, prefixLength: address.bitWidth) else {
                    problems.note(
                        .badTable, "'\(item.text ?? item.kindName)' is not an address with or without a port; names are not looked up here",
                        at: item.position)
                    continue
                }
                found.append(host)
            }
        }
        return found
    }

    /// `10.0.0.4`, `10.0.0.4:9100`, `[2001:db8::4]:9100`, `2001:db8::4`.
    private static func address(_ target: String) -> IPAddress? {
        if let plain = IPAddress(target) { return plain }
        if target.first == "[", let end = target.firstIndex(of: "]") { return IPAddress(target[target.index(after: target.startIndex)..<end]) }
        return target.lastIndex(of: ":").flatMap { IPAddress(target[..<$0]) }
    }
}

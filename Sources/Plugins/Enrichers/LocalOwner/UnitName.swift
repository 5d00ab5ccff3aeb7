// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The systemd units met on the way down a cgroup path.
struct UnitPath {
    private static let kinds = ["service", "scope", "socket", "mount", "swap"]

    /// The narrowest slice, the unit of the system's manager, that of a user's.
    private var slice: Substring?
    private var unit: Substring?
    private var userUnit: Substring?
    /// `user-1000`, from the slice of that user.
    private var user: String?

    mutating func descend(_ component: Substring) {
        guard let dot = component.lastIndex(of: ".") else { return }
        let kind = component[component.index(after: dot)...]
        if kind == "slice" {
            // Below a user's manager slices only sort that user's units.
            if unit == nil { slice = component }
            let stem = component[..<dot]
            if stem.hasPrefix("user-"), !stem.dropFirst(5).isEmpty, stem.dropFirst(5).utf8.allSatisfy(isDigit) { user = String(stem) }
        } else if Self.kinds.contains(String(kind)) {
            if unit == nil {
                unit = component
            } else if userUnit == nil, unit?.hasPrefix("user@") == true {
                userUnit = component
            }
        }
    }

    /// The service that a container runs below, as podman's quadlets do.
    var service: String? {
        let found = userUnit ?? unit
        return found.flatMap { $0.hasSuffix(".service") && !$0.hasPrefix("user@") ? String($0) : nil }
    }

    /// Nil where the path holds no unit.
    var owner: CgroupOwner? {
        guard let narrowest = userUnit ?? unit ?? slice else { return nil }
        if let user {
            // A session, a desktop's scope, the manager itself: the user. A service of the user's has a name that stays.
            guard let userUnit, userUnit.hasSuffix(".service") else {
                return CgroupOwner(name: user, type: "user", unit: String(narrowest))
            }
        }
        let name = UnitName(narrowest)
        return CgroupOwner(name: name.stem, type: "systemd_\(name.kind)", unit: String(narrowest))
    }
}

/// A unit's name taken apart: `postgresql@15-main.service`.
struct UnitName {
    /// The part that names the work: without ending, without what differs from start to start.
    let stem: String
    /// The ending: `service`.
    let kind: String

    init(_ unit: Substring) {
        let dot = unit.lastIndex(of: ".") ?? unit.endIndex
        kind = String(unit[dot...].dropFirst())
        stem = Self.stable(Self.unescaped(unit[..<dot]))
    }

    /// Leaves out what would make a new name for every start:
    /// - `run-u42`, `run-r<32 hex>`, `run-p7-i9` (systemd-run) is `run`;
    /// - `sshd@3-10.0.0.4:22-10.0.0.9:5000` (a socket's connection) is `sshd`;
    /// - `app-gnome-firefox@<random>` (a desktop's start) is `app-gnome-firefox`.
    private static func stable(_ stem: String) -> String {
        if stem.hasPrefix("run-"), isTransient(stem.dropFirst(4)) { return "run" }
        guard let at = stem.firstIndex(of: "@") else { return stem }
        let instance = stem[at...].dropFirst()
        let isConnection = instance.first?.isNumber == true && instance.contains("-") && instance.contains(":")
        return isConnection || stem.hasPrefix("app-") ? String(stem[..<at]) : stem
    }

    private static func isTransient(_ rest: Substring) -> Bool {
        func isNumber(_ text: Substring) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isDigit) }
        switch rest.first {
        case "r": return isHexadecimal(rest.dropFirst(), 32)
        case "u": return isNumber(rest.dropFirst())
        case "p":
            let parts = rest.dropFirst().split(separator: "-i", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 && parts.allSatisfy(isNumber)
        default: return isNumber(rest)
        }
    }

    /// systemd writes bytes that a unit's name may not hold as `\x2d`.
    static func unescaped(_ text: Substring) -> String {
        guard text.contains("\\") else { return String(text) }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index...].starts(with: "\\x".utf8), index + 4 <= bytes.count,
                let byte = UInt8(String(decoding: bytes[index + 2..<index + 4], as: UTF8.self), radix: 16)
            {
                result.append(byte)
                index += 4
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

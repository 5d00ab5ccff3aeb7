// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A type that users can write as one scalar.
public protocol ConfigValue: Sendable {
    init?(configText: String)
    /// Finishes "'x' is not …": `a whole number such as 8`.
    static var example: String { get }
    /// As users write it, for messages.
    var configText: String { get }
}

extension String: ConfigValue {
    public init?(configText: String) { self = configText }
    public static var example: String { "a text" }
    public var configText: String { self }
}

extension Int: ConfigValue {
    public init?(configText: String) { self.init(configText) }
    public static var example: String { "a whole number such as 8" }
    public var configText: String { String(self) }
}

extension Bool: ConfigValue {
    public init?(configText: String) {
        switch configText {
        case "true": self = true
        case "false": self = false
        default: return nil
        }
    }
    public static var example: String { "true or false" }
    public var configText: String { String(self) }
}

extension Duration: ConfigValue {
    /// `30s`, `1500ms`, `5m`, `1h`, `1h30m`: whole numbers with a unit each, the largest first.
    public init?(configText: String) {
        let units: [(name: String, milliseconds: Int64)] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
        var rest = configText[...]
        var milliseconds: Int64 = 0
        var last = -1
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !("0"..."9").contains($0) }
            rest = rest.dropFirst(unit.count)
            guard let number = Int64(digits), number < 1_000_000_000, let index = units.firstIndex(where: { $0.name == unit }), index > last
            else { return nil }
            milliseconds += number * units[index].milliseconds
            last = index
        }
        // As text it has hours, and their number has nine digits as well.
        guard milliseconds < 1_000_000_000 * 3_600_000 else { return nil }
        self = .milliseconds(milliseconds)
    }
    public static var example: String { "a duration such as 30s, 5m or 1h" }

    public var configText: String {
        var rest = milliseconds
        if rest == 0 { return "0s" }
        var text = ""
        for (name, size) in [("h", Int64(3_600_000)), ("m", 60_000), ("s", 1000), ("ms", 1)] where rest >= size {
            text += "\(rest / size)\(name)"
            rest %= size
        }
        return text
    }

    /// Whole milliseconds, rounded down.
    public var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
    public var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}

/// A size in bytes: `64KiB`, `10MiB`, or a plain number.
public struct ByteCount: ConfigValue, Hashable, Comparable {
    public var bytes: Int

    public init(_ bytes: Int) { self.bytes = bytes }

    private static let units: [(name: String, size: Int)] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)]

    public init?(configText: String) {
        for (name, size) in Self.units where configText.hasSuffix(name) {
            guard let number = Int(configText.dropLast(name.count)), number >= 0, number <= Int.max / size else { return nil }
            bytes = number * size
            return
        }
        guard let number = Int(configText), number >= 0 else { return nil }
        bytes = number
    }
    public static var example: String { "a size such as 64KiB or 10MiB" }
    public var configText: String {
        for (name, size) in Self.units where bytes >= size && bytes % size == 0 { return "\(bytes / size)\(name)" }
        return "\(bytes)"
    }
    public static func < (a: ByteCount, b: ByteCount) -> Bool { a.bytes < b.bytes }
}

extension CIDR: ConfigValue {
    public init?(configText: String) { self.init(configText) }
    public static var example: String { "an address or a range such as 10.0.0.0/8 whose host bits are zero" }
    public var configText: String { description }
}

extension IPAddress: ConfigValue {
    public init?(configText: String) { self.init(configText) }
    public static var example: String { "an address such as 10.0.0.1 or 2001:db8::1" }
    public var configText: String { description }
}

extension Glob: ConfigValue {
    public init?(configText: String) { self.init(configText) }
    public static var example: String { "a pattern such as network.*" }
    public var configText: String { pattern }
}

/// A choice of few words: an enum whose raw values are what users write.
public protocol ConfigChoice: ConfigValue, CaseIterable, RawRepresentable where RawValue == String {}

extension ConfigChoice {
    public init?(configText: String) { self.init(rawValue: configText) }
    public static var example: String { "one of " + allCases.map(\.rawValue).joined(separator: ", ") }
    public var configText: String { rawValue }
}

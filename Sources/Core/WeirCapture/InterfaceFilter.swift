// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Which interfaces are captured: those that `include` matches (all when it is empty) and `exclude` does not.
public struct InterfaceFilter: Sendable, Equatable {
    public var include: [InterfacePattern]
    public var exclude: [InterfacePattern]

    public init(include: [InterfacePattern] = [], exclude: [InterfacePattern] = [.exact("lo")]) {
        self.include = include
        self.exclude = exclude
    }

    public func allows(_ name: String) -> Bool {
        (include.isEmpty || includes(name)) && !exclude.contains { $0.matches(name) }
    }

    /// The user wrote it down: enough to capture a bridge or a bond, which otherwise is left to the devices below it.
    public func includes(_ name: String) -> Bool { include.contains { $0.matches(name) } }

    /// What sockets can obey: whether `lo` is left out. Nil when it asks for more than that.
    var asLoopbackRule: Bool? {
        guard include.isEmpty else { return nil }
        if exclude.isEmpty { return false }
        return exclude.allSatisfy { $0 == .exact("lo") } ? true : nil
    }
}

/// One way to name interfaces.
public enum InterfacePattern: Sendable, Equatable, CustomStringConvertible {
    case exact(String)
    /// `*` is any text, `?` any one character.
    case glob(String)
    /// Anything else, with the text that the user wrote. Injected, so that the capture needs no pattern library.
    case predicate(String, @Sendable (String) -> Bool)

    public func matches(_ name: String) -> Bool {
        switch self {
        case .exact(let text): name == text
        case .glob(let pattern): Self.glob(Array(pattern.utf8)[...], matches: Array(name.utf8)[...])
        case .predicate(_, let test): test(name)
        }
    }

    /// What the user wrote.
    public var description: String {
        switch self {
        case .exact(let text), .glob(let text), .predicate(let text, _): text
        }
    }

    public static func == (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.exact(let a), .exact(let b)), (.glob(let a), .glob(let b)), (.predicate(let a, _), .predicate(let b, _)): a == b
        default: false
        }
    }

    /// Goes back to the last star only, so a hostile pattern costs at most pattern × name.
    private static func glob(_ pattern: ArraySlice<UInt8>, matches name: ArraySlice<UInt8>) -> Bool {
        var pattern = pattern
        var name = name
        var retry: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
        while true {
            if pattern.first == UInt8(ascii: "*") {
                pattern = pattern.dropFirst()
                retry = (pattern, name)
            } else if let wanted = pattern.first, let found = name.first, wanted == UInt8(ascii: "?") || wanted == found {
                pattern = pattern.dropFirst()
                name = name.dropFirst()
            } else if pattern.isEmpty, name.isEmpty {
                return true
            } else {
                guard let last = retry, !last.name.isEmpty else { return false }
                retry?.name = last.name.dropFirst()
                pattern = last.pattern
                name = last.name.dropFirst()
            }
        }
    }
}

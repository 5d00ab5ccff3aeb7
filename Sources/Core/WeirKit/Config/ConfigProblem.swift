// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// One thing that is wrong with the configuration, and where.
public struct ConfigProblem: Sendable, Hashable {
    /// Every kind of problem that the reader can report; a test holds one bad file for each.
    public enum Kind: String, Sendable, CaseIterable {
        // Files.
        case unreadable, tooLarge, notUTF8, syntax, tooDeep, notPlainYAML
        // Structure.
        case duplicateKey, unknownKey, missingKey, wrongShape
        // Values.
        case badValue, outOfRange, unsetVariable, badVariable
        // Meaning.
        case unknownPlugin, wrongKind, duplicateName, unknownMetric, unknownAttribute, badFilter, badTable, conflict
    }

    public let kind: Kind
    public let message: String
    public let position: ConfigPosition

    public init(_ kind: Kind, _ message: String, at position: ConfigPosition) {
        self.kind = kind
        self.message = message
        self.position = position
    }
}

/// Where readers note what is wrong, so that the user sees all problems at once.
public final class ConfigProblems: Sendable {
    /// More are counted and not kept: nobody reads a thousand, and a hostile file could make millions.
    public static let maxKept = 1000

    private struct Noted {
        var kept: Set<ConfigProblem> = []
        var count = 0
    }

    private let noted = Mutex(Noted())

    public init() {}

    public func note(_ kind: ConfigProblem.Kind, _ message: String, at position: ConfigPosition) {
        noted.withLock { noted in
            guard noted.kept.count < Self.maxKept else { return noted.count += 1 }
            if noted.kept.insert(ConfigProblem(kind, message, at: position)).inserted { noted.count += 1 }
        }
    }

    /// The first `maxKept` noted, in the order of files and lines.
    public var all: [ConfigProblem] {
        noted.withLock { $0.kept }.sorted { ($0.position, $0.kind.rawValue, $0.message) < ($1.position, $1.kind.rawValue, $1.message) }
    }

    /// All that were noted, each once.
    public var count: Int { noted.withLock { $0.count } }
}

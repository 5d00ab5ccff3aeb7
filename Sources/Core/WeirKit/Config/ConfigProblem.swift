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
    private let noted = Mutex<[ConfigProblem]>([])

    public init() {}

    public func note(_ kind: ConfigProblem.Kind, _ message: String, at position: ConfigPosition) {
        noted.withLock { problems in
            let problem = ConfigProblem(kind, message, at: position)
            if !problems.contains(problem) { problems.append(problem) }
        }
    }

    /// In the order of files and lines.
    public var all: [ConfigProblem] { noted.withLock { $0.sorted { $0.position < $1.position } } }
    public var count: Int { noted.withLock { $0.count } }
}

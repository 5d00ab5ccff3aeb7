// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CPCRE2
public import Synchronization

/// A regular expression (PCRE2) that searches short texts and cannot take long: at most 256 bytes are looked at, and
/// a search that needs too many steps is given up, is no match, and is counted.
public final class Pattern: Sendable {
    /// The pattern as written.
    public let text: String
    /// Searches that were given up at the limit, by all patterns of this process.
    public static let givenUp = Atomic<UInt64>(0)
    /// How much of a text is looked at.
    public static let maxSubjectBytes = 256

    private let compiled: Compiled

    /// Fails with what is wrong, and where in `text`.
    public init(_ text: String) throws(PatternError) {
        self.text = text
        compiled = try Compiled(text)
    }

    /// Whether the pattern is found anywhere in `text`; anchor it with `^` and `$` to mean all of it.
    public func matches(_ text: String) -> Bool { search(text) == .found }

    /// What `matches` does, with the difference that it leaves out.
    package func search(_ text: String) -> PatternOutcome {
        switch compiled.search(text) {
        case CPCRE2_match: return .found
        case CPCRE2_no_match: return .notFound
        default:
            Self.givenUp.wrappingAdd(1, ordering: .relaxed)
            return .givenUp
        }
    }
}

/// How a search ends.
package enum PatternOutcome: Sendable { case found, notFound, givenUp }

/// Why a text is no pattern.
public struct PatternError: Error, Equatable, CustomStringConvertible {
    /// PCRE2's sentence, such as `missing closing parenthesis`.
    public let message: String
    /// How many characters stand before the place it means.
    public let offset: Int

    public var description: String { "\(message) (after \(offset) characters)" }
}

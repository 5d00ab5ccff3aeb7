// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Why capturing is not possible here: what it takes, what was found, and what to do about it.
public struct CaptureError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Finishes "could not …".
    public var action: String
    public var needed: String
    public var found: String
    public var remedy: String
    /// The capture is between two states and counts no longer as it should: nothing but a new start helps.
    public var isFatal = false
    /// The kernel does not let us attach here, however often we ask; another source may fare better.
    var isRefusal = false

    public init(_ action: String, needed: String, found: String, remedy: String) {
        self.action = action
        self.needed = needed
        self.found = found
        self.remedy = remedy
    }

    static func refusal(_ action: String, needed: String, found: String, remedy: String) -> CaptureError {
        var error = CaptureError(action, needed: needed, found: found, remedy: remedy)
        error.isRefusal = true
        return error
    }

    /// The same, and nothing goes on.
    var asFatal: CaptureError {
        var fatal = self
        fatal.isFatal = true
        return fatal
    }

    public var description: String { "could not \(action): needed \(needed); found \(found); \(remedy)" }
}

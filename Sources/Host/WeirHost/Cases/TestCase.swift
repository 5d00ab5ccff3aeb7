// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirCapture
internal import WeirKit
internal import WeirPipeline

/// One case of `weir test`: what comes in, what the stages are told, what must come out.
struct TestCase: Sendable {
    /// What comes in.
    enum Input: Sendable {
        /// Flows of the case itself, window by window.
        case flows([OfflineWindow])
        /// The bytes of a packet file or of JSON lines, whose content decides.
        case file([UInt8], name: String)
    }

    var name: String
    var position: ConfigPosition
    var input = Input.flows([])
    /// Names that flows of the case carry themselves.
    var names = RecordedNames()
    var answers: [GivenAnswer] = []
    var local: [CIDR] = []
    var expected = Expectation()
    /// The folder of the case; nil for one of `tests:`.
    var folder: String?
}

/// What must come out. What is nil is not looked at.
struct Expectation: Sendable {
    /// Facts by name, with the texts that they must have.
    typealias Facts = [(name: String, text: String)]

    struct Row: Sendable {
        var facts: Facts
        var value: UInt64
    }

    /// Per metric: groups of its series, each with what they add up to.
    var series: [(metric: String, rows: [Row])] = []
    var records: [Facts]?
    /// Exported bytes per class.
    var scopes: [(name: String, bytes: UInt64)]?
    /// Bytes by reason.
    var notExported: [(reason: String, bytes: UInt64)] = []
    /// There may be more than what is listed.
    var isPartial = false
    /// `out.jsonl` and `out.prom`, as they should be.
    var recordLines: [UInt8]?
    var page: [UInt8]?

    var isEmpty: Bool {
        series.isEmpty && records == nil && scopes == nil && notExported.isEmpty && recordLines == nil && page == nil
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

package import WeirKit

/// Why connection tracking could not say the real ends of a row. The row keeps the ends that were seen.
public enum UnresolvedReason: Int, Sendable, CaseIterable {
    /// No connection is known by this tuple: nothing tracks it here, or it is over and forgotten.
    case notFound
    /// The same, while the kernel's table was full.
    case tableFull
    /// More new connections in one window than are asked for.
    case limit
    /// The question or its answer was lost.
    case failed
    /// ICMP and others without ports: what they are known by is not in the row.
    case noPorts

    /// As metrics say it.
    public var name: String { ["not_found", "table_full", "limit", "failed", "no_ports"][rawValue] }
}

/// What connection tracking says of a row beside its real ends, which stand in the row itself.
package struct RowTranslation: Sendable, Equatable {
    package enum Answer: Sendable, Equatable {
        /// Nothing is translated: the ends that were seen are the real ones.
        case direct
        /// Some address or port was another than the real one.
        case translated
        case unresolved(UnresolvedReason)
    }

    package var answer = Answer.direct
    /// The address that the initiator dialled, where it is not the one that answers; else zero.
    package var service = IPAddress(high: 0, low: 0)
    /// The end that was dialled by it.
    package var serviceEnd = End.destination
    /// Both ends are hidden from each other, and this row is the initiator's: to the next host its packets are this host's own.
    package var isRelayed = false
    /// Which end of the row opened the connection, as far as the kernel knows.
    package var initiator = Initiator.unknown

    package init() {}

    package init(_ answer: Answer) { self.answer = answer }
}

/// The rows of a drain that connection tracking was asked about, by its answer: a part of what was counted, no line of the law.
public struct TranslationBook: Sendable {
    /// Rows whose ends were rewritten.
    public internal(set) var translated = Amount()
    var reasons = InlineArray<5, Amount>(repeating: Amount())
    /// Tuples that the kernel was asked for.
    public internal(set) var questions: UInt64 = 0

    public subscript(reason: UnresolvedReason) -> Amount { reasons[reason.rawValue] }

    mutating func add(_ amount: Amount, _ answer: RowTranslation.Answer) {
        switch answer {
        case .direct: break
        case .translated: translated += amount
        case .unresolved(let reason): reasons[reason.rawValue] += amount
        }
    }

    static func += (sum: inout TranslationBook, more: TranslationBook) {
        sum.translated += more.translated
        sum.questions += more.questions
        for index in sum.reasons.indices { sum.reasons[index] += more.reasons[index] }
    }
}

// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A bounded dictionary that forgets what was not used for long: two halves, and the older one is dropped when the younger is full.
///
/// No list to keep in order, so a look-up is one or two hash probes; what is used moves to the younger half.
package struct RecentMemory<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]
    private let half: Int
    /// Entries that were dropped to make room.
    package private(set) var dropped: UInt64 = 0

    /// Holds at least half of `limit` and never more than all of it.
    package init(limit: Int) { half = max(1, limit / 2) }

    package var count: Int { young.count + old.count }

    package subscript(key: Key) -> Value? {
        mutating get {
            if let value = young[key] { return value }
            guard let value = old[key] else { return nil }
            self[key] = value
            return value
        }
        set {
            guard let newValue else { return }
            if young.count >= half, young[key] == nil {
                swap(&young, &old)
                // Some of them may have moved on when they were used.
                dropped += UInt64(young.keys.count { old[$0] == nil })
                young.removeAll(keepingCapacity: true)
            }
            young[key] = newValue
        }
    }
}
